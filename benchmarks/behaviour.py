"""Measures Verger near its capacity, at twice its capacity, and while new versions go live.

python -m benchmarks.behaviour writes docs/benchmarks/behaviour.json.
"""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from benchmarks.load import measure
from benchmarks.load.measure import Sample
from benchmarks.load.pictures import make_pictures
from benchmarks.systems.servers import CLASSIFY, HOME, PORTS, VERGER

OUTPUT = Path("docs/benchmarks/behaviour.json")
CALLERS = 8
WINDOW_SECONDS = 8
CALM_SECONDS = 30
"""Longer than the other parts: at a low rate, one stall of the machine would otherwise decide the p99."""
SWAPS, SWAPS_SECONDS = 4, 20


class Experiment:
    """Sends one photo over gRPC to a running system, at different rates."""

    def __init__(self, photo: Path, root: int) -> None:
        self._photo = photo
        self._root = root
        self._load(0, 2)  # warm-up
        self._capacity = rate_of(self._load(0, WINDOW_SECONDS))

    def run(self) -> dict[str, Any]:
        """Runs all parts, one after the other."""
        calm = self._load(0.7, CALM_SECONDS)
        peak = self._load(0, WINDOW_SECONDS)
        before = measure.memory(self._root)
        flood = self._load(2, WINDOW_SECONDS)
        after = measure.memory(self._root)
        time.sleep(2)
        recovered = self._load(0.7, WINDOW_SECONDS)  # short, so that after-effects of the overload count
        return {
            "capacity": self._capacity,
            "calm": calm,
            "peak": peak,
            "flood": flood,
            "recovered": recovered,
            "memory_before_flood": before,
            "memory_after_flood": after,
            "swap": self._swaps(),
        }

    def _load(self, share: float, seconds: float) -> Sample:
        """Sends a share of the capacity. 0 means CALLERS callers that each send as soon as they get an answer."""
        if share:
            return CLASSIFY.at_rate(self._photo, share * self._capacity, seconds)
        return CLASSIFY.callers(self._photo, CALLERS, seconds)

    def _swaps(self) -> dict[str, Any]:
        """Sends half of the capacity, first without promotions, then with one every five seconds."""
        quiet = self._load(0.5, SWAPS_SECONDS)
        with promotions(SWAPS, SWAPS_SECONDS / SWAPS):
            return {"quiet": quiet, "around": self._load(0.5, SWAPS_SECONDS + 3)}


def rate_of(sample: Mapping[str, Any]) -> float:
    """Returns the answered photos per second of a Sample, or of a row that contains one."""
    return float(sample["photos"] / sample["seconds"])


@contextmanager
def promotions(times: int, pause: float) -> Iterator[None]:
    """Promotes versions while the block runs, and waits for the last promotion; see benchmarks.systems.promotions."""
    python = HOME / "env" / "serving" / "bin" / "python"
    settings = os.environ | {"VERGER_MLFLOW_URL": f"http://127.0.0.1:{PORTS['MLFLOW']}"}
    # Promotions usually come from another machine. On this one, they get a low priority, as MLflow does.
    command = ["nice", "-n", "10", str(python), "-m", "benchmarks.systems.promotions", str(times), f"{pause:g}"]
    with subprocess.Popen(command, env=settings, stdout=subprocess.PIPE) as process:
        next(iter(process.stdout or ()))  # printed when both versions are registered
        try:
            yield
        finally:
            if process.wait(300):
                raise RuntimeError("The promotions failed. The lines above give the reason.")


def main() -> None:
    """Runs from the command line."""
    photo = next(iter(make_pictures(HOME / "photos").values()))
    with VERGER.running(photo.read_bytes()) as (root, _):
        results = Experiment(photo, root).run()
    results |= {"begun": datetime.now(UTC).isoformat(timespec="seconds"), "cores": psutil.cpu_count()}
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
