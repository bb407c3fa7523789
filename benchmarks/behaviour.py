"""How Verger behaves under a steady load, too much of it, and while new versions go live.

python -m benchmarks.behaviour SECONDS SWAPS writes docs/benchmarks/behaviour.json. SECONDS is the length of the steady
part, in which so many swaps are made.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from benchmarks import measure
from benchmarks.measure import Sample
from benchmarks.pictures import make_pictures
from benchmarks.servers import HOME, PORT, VERGER

OUTPUT = Path("docs/benchmarks/behaviour.json")
WINDOW_SECONDS = 10
TARGET = f"127.0.0.1:{PORT + 1}"


class Experiment:
    """One photo, sent over gRPC at one rate after the other to a running system."""

    def __init__(self, photo: Path, root: int) -> None:
        self._photo = photo
        self._root = root
        self._load(0, 2)  # warms up
        self._capacity = rate_of(self._load(0, WINDOW_SECONDS))

    def run(self, steady_seconds: float, swaps: int) -> dict[str, Any]:
        """All parts, one after the other."""
        calm = self._load(0.7, WINDOW_SECONDS)
        peak = self._load(0, WINDOW_SECONDS)
        before = measure.memory(self._root)
        flood = self._load(2, WINDOW_SECONDS)
        after = measure.memory(self._root)
        time.sleep(2)
        recovered = self._load(0.7, WINDOW_SECONDS)
        return {
            "capacity": self._capacity,
            "calm": calm,
            "peak": peak,
            "flood": flood,
            "recovered": recovered,
            "memory_before_flood": before,
            "memory_after_flood": after,
            "swap": self._swaps(),
            "steady": self._steady(steady_seconds, swaps),
        }

    def _load(self, share: float, seconds: float) -> Sample:
        """Calls at a share of the capacity; 0: eight callers, each as fast as it is answered."""
        rate = share * self._capacity if share else 0
        return measure.grpc(TARGET, self._photo, 8, seconds, rate=rate)

    def _swaps(self) -> dict[str, Any]:
        """Half of the capacity, quiet; then the same with a promotion every five seconds."""
        with promotions(0, 0):
            pass  # the second version is there
        quiet = self._load(0.5, WINDOW_SECONDS)
        with promotions(2, 5):
            return {"quiet": quiet, "around": self._load(0.5, WINDOW_SECONDS + 5)}

    def _steady(self, seconds: float, swaps: int) -> dict[str, Any]:
        """What a long load leaves behind: compared is the state after the first fifth with that at the end."""
        with promotions(swaps, seconds / (swaps + 1)):
            first = self._load(0.5, seconds / 5)
            begin = state(self._root)
            rest = self._load(0.5, seconds * 4 / 5)
        return {
            "seconds": seconds,
            "swaps": swaps,
            "errors": first["errors"] + rest["errors"],
            "begin": begin,
            "end": state(self._root),
        }


def rate_of(sample: Sample) -> float:
    """Answered photos a second."""
    return sample["photos"] / sample["seconds"]


@contextmanager
def promotions(times: int, pause: float) -> Iterator[None]:
    """Promotes beside what the block does, and waits for the last one."""
    python = HOME / "env" / "serving" / "bin" / "python"
    settings = os.environ | {"VERGER_MLFLOW_URL": f"http://127.0.0.1:{PORT + 3}"}
    process = subprocess.Popen([python, "-m", "benchmarks.promotions", str(times), f"{pause:g}"], env=settings)
    try:
        yield
    finally:
        if process.wait(300):
            raise RuntimeError("The promotions failed; the lines above say why.")


def state(root: int) -> dict[str, dict[str, int]]:
    """Memory (PSS, MiB), open files and threads of Verger's own services."""
    found = {}
    for process in measure.tree(root):
        command = process.cmdline()
        if "-m" in command and command[-1].startswith("services."):
            pss = process.memory_full_info().pss
            found[command[-1].removeprefix("services.")] = {
                "pss_mib": round(pss / 2**20),
                "files": process.num_fds(),
                "threads": process.num_threads(),
            }
    return found


def main() -> None:
    """Runs from the command line."""
    steady_seconds, swaps = float(sys.argv[1]), int(sys.argv[2])
    photo = next(iter(make_pictures(HOME / "photos").values()))
    with VERGER.running(photo.read_bytes()) as (root, _):
        results = Experiment(photo, root).run(steady_seconds, swaps)
    results |= {"begun": datetime.now(UTC).isoformat(timespec="seconds"), "cores": psutil.cpu_count()}
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
