"""The processes of a system that launch.sh runs, read from /proc: who descends from whom, and what each one uses."""

import contextlib
import threading
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from tests.support.systems.launched import Launched

PROC = Path("/proc")
SERVICES = ("web", "preprocess", "inference")
"""Those that photos pass through."""

SAMPLE_SECONDS = 0.1

LAST_CHARACTERS = 4000
"""Of a log, when a service has ended."""


def roots(system: Launched) -> dict[str, int]:
    """Returns the processes that supervisord started, by program. Of both web processes, `web` is the serving one."""
    supervisord = int((system.home / "run" / "supervisord.pid").read_text())
    serving = system.serving_web()
    found = {}
    for pid in _children()[supervisord]:
        command = _read(PROC / str(pid) / "cmdline").split("\0")
        services = [word.removeprefix("services.") for word in command if word.startswith("services.")]
        name = services[0] if services else "mlflow"
        found["web-spare" if name == "web" and pid != serving else name] = pid
    return found


def family(pid: int) -> list[int]:
    """Returns a process and all its descendants."""
    return _family(pid, _children())


def memory_bytes(pids: Mapping[str, int]) -> dict[str, int]:
    """Returns the memory of each process with its descendants. Shared pages are divided among processes (PSS)."""
    children = _children()
    return {name: sum(_pss_bytes(member) for member in _family(pid, children)) for name, pid in pids.items()}


def open_files(pid: int) -> int:
    """Returns how many files and connections a process has open."""
    return len(list((PROC / str(pid) / "fd").iterdir()))


def _family(pid: int, children: Mapping[int, list[int]]) -> list[int]:
    found = [pid]
    for member in found:
        found += children[member]
    return found


def _pss_bytes(pid: int) -> int:
    lines = _read(PROC / str(pid) / "smaps_rollup").splitlines()
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _children() -> Mapping[int, list[int]]:
    found = defaultdict(list)
    for folder in PROC.iterdir():
        if folder.name.isdecimal() and (stat := _read(folder / "stat")):
            parent = int(stat.rpartition(")")[2].split()[1])  # a command may contain brackets and spaces
            found[parent].append(int(folder.name))
    return found


def _read(path: Path) -> str:
    with contextlib.suppress(OSError):  # the process has ended
        return path.read_text(errors="replace")
    return ""


def how_it_ended(system: Launched) -> str:
    """Returns what supervisord says of the programs, and the end of each service's log."""
    paths = [system.log(name) for name in ("supervisord", *SERVICES, "web-spare")]
    return "\n".join(f"{path.name}: ..{_read(path)[-LAST_CHARACTERS:]}" for path in paths)


class PeakMemory:
    """Samples the memory of processes until the block ends. peaks: the most that each one had, in bytes."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self.peaks = memory_bytes(pids)
        self._pids = pids
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(SAMPLE_SECONDS):
            for name, now in memory_bytes(self._pids).items():
                self.peaks[name] = max(self.peaks[name], now)
