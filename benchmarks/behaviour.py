"""How Verger behaves near its capacity, at twice of it, and while new versions go live.

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
"""Longer: p99 of a calm load rests on one photo in a hundred, and one stall of the machine should not decide."""
SWAPS, SWAPS_SECONDS = 4, 20


class Experiment:
    """One photo, sent over gRPC at one rate after the other to a running system."""

    def __init__(self, photo: Path, root: int) -> None:
        self._photo = photo
        self._root = root
        self._load(0, 2)  # warms up
        self._capacity = rate_of(self._load(0, WINDOW_SECONDS))

    def run(self) -> dict[str, Any]:
        """All parts, one after the other."""
        calm = self._load(0.7, CALM_SECONDS)
        peak = self._load(0, WINDOW_SECONDS)
        before = measure.memory(self._root)
        flood = self._load(2, WINDOW_SECONDS)
        after = measure.memory(self._root)
        time.sleep(2)
        recovered = self._load(0.7, WINDOW_SECONDS)  # short: what lingers must show
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
        """Calls at a share of the capacity; 0: eight callers, each as fast as it is answered."""
        if share:
            return CLASSIFY.at_rate(self._photo, share * self._capacity, seconds)
        return CLASSIFY.callers(self._photo, CALLERS, seconds)

    def _swaps(self) -> dict[str, Any]:
        """Half of the capacity, quiet; then the same with a promotion every five seconds."""
        quiet = self._load(0.5, SWAPS_SECONDS)
        with promotions(SWAPS, SWAPS_SECONDS / SWAPS):
            return {"quiet": quiet, "around": self._load(0.5, SWAPS_SECONDS + 3)}


def rate_of(sample: Mapping[str, Any]) -> float:
    """Answered photos a second, of a Sample or a row that holds one."""
    return float(sample["photos"] / sample["seconds"])


@contextmanager
def promotions(times: int, pause: float) -> Iterator[None]:
    """Promotes beside what the block does, and waits for the last one; see benchmarks.systems.promotions."""
    python = HOME / "env" / "serving" / "bin" / "python"
    settings = os.environ | {"VERGER_MLFLOW_URL": f"http://127.0.0.1:{PORTS['MLFLOW']}"}
    # Who promotes is at another machine as a rule; here it stands back, as MLflow does.
    command = ["nice", "-n", "10", str(python), "-m", "benchmarks.systems.promotions", str(times), f"{pause:g}"]
    with subprocess.Popen(command, env=settings, stdout=subprocess.PIPE) as process:
        next(iter(process.stdout or ()))  # it is loaded, and both versions are there
        try:
            yield
        finally:
            if process.wait(300):
                raise RuntimeError("The promotions failed; the lines above say why.")


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
