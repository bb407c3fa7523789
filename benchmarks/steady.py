"""Watches memory, open files and threads of the services under a long mixed load with versions going live.

python -m benchmarks.steady SECONDS SWAPS writes docs/benchmarks/steady.json. It needs Linux: it reads /proc for the
memory that a process shares with no other (unique set size, USS).
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from benchmarks.behaviour import promotions
from benchmarks.compare import machine
from benchmarks.load import measure
from benchmarks.load.h2load import read_metrics
from benchmarks.load.pictures import make_pictures
from benchmarks.systems.servers import HOME, PORT, PORTS, TARGET, VERGER

OUTPUT = Path("docs/benchmarks/steady.json")
CALLERS = 4
SAMPLES = 300
WARM_UP, END = 0.2, 0.8
"""Shares of the time. The first fifth is warm-up; the second fifth is compared with the last one."""
KEYS = ("own_mib", "files", "threads")


def services(root: int) -> dict[str, psutil.Process]:
    """Returns the processes of Verger's services by name."""
    found = {}
    for process in measure.tree(root):
        command = process.cmdline()
        if "-m" in command and command[-1].startswith("services."):
            found[command[-1].removeprefix("services.")] = process
    return found


def state(process: psutil.Process) -> dict[str, float]:
    """Returns unshared memory in MiB, and the numbers of open files and threads."""
    own = round(process.memory_full_info().uss / 2**20, 1)
    return {"own_mib": own, "files": process.num_fds(), "threads": process.num_threads()}


def swaps_so_far() -> int:
    """Returns how many times inference has made a version live."""
    ((_, swaps),) = read_metrics(PORTS["INFERENCE_METRICS"], "verger_model_swaps")
    return int(swaps)


def watch(root: int, pause: float, goes_on: Callable[[], bool]) -> Iterator[dict[str, Any]]:
    """Yields the states of the services every `pause` seconds."""
    begun, processes = time.monotonic(), services(root)
    while goes_on():
        states = {name: state(process) for name, process in processes.items()}
        yield {"second": round(time.monotonic() - begun, 1), "services": states}
        time.sleep(pause)


def soak(root: int, seconds: float, swaps: int) -> dict[str, Any]:
    """Loads a running system and watches it."""
    options = [f"http://127.0.0.1:{PORT}", TARGET, str(HOME / "photos"), f"{seconds:g}", str(CALLERS)]
    command = [sys.executable, "-m", "benchmarks.load.mixed_load", *options]
    before = swaps_so_far()
    with (
        promotions(swaps, seconds / (swaps + 1)),
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as load,
    ):
        samples = list(watch(root, max(1, seconds / SAMPLES), lambda: load.poll() is None))
        output, _ = load.communicate()
    if load.returncode:
        raise RuntimeError("The load failed. The lines above give the reason.")
    seen = swaps_so_far() - before
    return {"seconds": seconds, "swaps": swaps, "swaps_seen": seen, **json.loads(output), "samples": samples}


def part(found: dict[str, Any], service: str, key: str, begin: float, end: float) -> list[float]:
    """Returns the samples of one service between two shares of the time."""
    last = found["samples"][-1]["second"]
    return [
        sample["services"][service][key]
        for sample in found["samples"]
        if begin * last <= sample["second"] <= end * last
    ]


def change(found: dict[str, Any], service: str, key: str) -> tuple[float, float, float]:
    """Returns the lower quartiles after warm-up and at the end, and the median deviation from the first one.

    Quartiles are compared because two models are in memory for a short time around each swap. A leak raises the lower
    quartile; a swap does not.
    """
    first, last = part(found, service, key, WARM_UP, 2 * WARM_UP), part(found, service, key, END, 1)
    floor, end = (statistics.quantiles(values, n=4, method="inclusive")[0] for values in (first, last))
    return floor, end, statistics.median(abs(value - floor) for value in first)


def main() -> None:
    """Runs from the command line."""
    seconds, swaps = float(sys.argv[1]), int(sys.argv[2])
    photos = make_pictures(HOME / "photos")
    about = machine() | {"begun": datetime.now(UTC).isoformat(timespec="seconds")}
    with VERGER.running(next(iter(photos.values())).read_bytes()) as (root, _):
        results = {"about": about} | soak(root, seconds, swaps)
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(results) + "\n")


if __name__ == "__main__":
    main()
