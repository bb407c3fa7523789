"""Starts each contender in turn, in several rounds, and loads it with the same photos; see run.sh.

python -m benchmarks.compare ROUNDS SECONDS writes docs/benchmarks/results.json after each round.
"""

import json
import logging
import os
import platform
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from benchmarks.load import measure
from benchmarks.load.measure import Sample
from benchmarks.load.pictures import make_pictures
from benchmarks.systems.servers import CONTENDERS, HOME, MODEL, Load, Server

RESULTS = Path("docs/benchmarks/results.json")
CONCURRENCY = (8, 1, 32)
WARM_UP_SECONDS = 4
"""Duration of a first load that is not measured."""
MAX_SECONDS = 30
"""Longest load that a slow contender gets to answer enough photos."""
log = logging.getLogger("benchmark")


def main() -> None:
    """Runs from the command line."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    rounds, seconds = int(sys.argv[1]), float(sys.argv[2])
    photos = make_pictures(HOME / "photos")
    rows: list[dict[str, Any]] = []
    servers: list[dict[str, Any]] = []
    about = machine() | {"rounds": rounds, "seconds": seconds, "begun": datetime.now(UTC).isoformat(timespec="seconds")}
    for number in range(rounds):
        rows += measure_doors({"bare limit": bare}, photos, seconds, None)
        for server in CONTENDERS if number % 2 == 0 else reversed(CONTENDERS):
            servers.append(measure_server(server, photos, seconds, rows))
        about |= {"rounds_done": number + 1, "load_after": os.getloadavg()}
        write(about, rows, servers)


def measure_server(
    server: Server, photos: Mapping[str, Path], seconds: float, rows: list[dict[str, Any]]
) -> dict[str, Any]:
    """Adds one row per cell and returns start-up time and memory. A failure is recorded with its reason."""
    smallest = next(iter(photos.values()))
    try:
        with server.running(smallest.read_bytes()) as (root, start_seconds):
            measure.settle(root)
            rows += measure_doors(server.doors(), photos, seconds, root)
            return {"name": server.name, "start_seconds": start_seconds, **measure.memory(root)}
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        log.exception("%s failed", server.name)
        return {"name": server.name, "failed": str(error)}


def measure_doors(
    doors: Mapping[str, Load], photos: Mapping[str, Path], seconds: float, root: int | None
) -> Iterator[dict[str, Any]]:
    """Yields one row for each door (interface), photo and concurrency."""
    for door, load in doors.items():
        load(next(iter(photos.values())), 8, WARM_UP_SECONDS)
        for name, photo in photos.items():
            for concurrency in CONCURRENCY:
                sample = measure_cell(partial(load, photo, concurrency), 2 * concurrency, seconds, root)
                log.info("%s %s c=%d: %.1f photos/s", door, name, concurrency, sample["photos"] / sample["seconds"])
                yield {"door": door, "photo": name, "concurrency": concurrency, **sample}


def measure_cell(load: Callable[[float], Sample], answers: int, seconds: float, root: int | None) -> Sample:
    """Runs one load. If it gave fewer than `answers` answers, runs a longer one and returns that."""
    sample = with_cpu(load, seconds, root)
    if sample["photos"] < answers and root:
        measure.settle(root)
        rate = sample["photos"] / sample["seconds"]
        sample = with_cpu(load, min(MAX_SECONDS, answers / rate) if rate else MAX_SECONDS, root)
        measure.settle(root)
    return sample


def with_cpu(load: Callable[[float], Sample], seconds: float, root: int | None) -> Sample:
    """Runs one load and adds the processor seconds that all processes of the server used."""
    before = measure.cpu_seconds(root) if root else 0.0
    sample = load(seconds)
    if root:
        sample["cpu_seconds"] = measure.cpu_seconds(root) - before
    return sample


def bare(photo: Path, concurrency: int, seconds: float) -> Sample:
    """Measures the bare limit with the released model."""
    return measure.bare(photo, concurrency, seconds, MODEL)


def write(about: dict[str, Any], rows: list[dict[str, Any]], servers: list[dict[str, Any]]) -> None:
    """Writes every sample, and the median of each cell over the rounds."""
    cells = defaultdict(list)
    for row in rows:
        cells[row["door"], row["photo"], row["concurrency"]].append(row)
    summary = [
        {"door": door, "photo": photo, "concurrency": concurrency, **summarise(samples)}
        for (door, photo, concurrency), samples in cells.items()
    ]
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    content = {"about": about, "summary": summary, "servers": servers, "samples": rows}
    RESULTS.write_text(json.dumps(content, indent=1) + "\n")


def summarise(samples: list[dict[str, Any]]) -> dict[str, float]:
    """Returns medians over the rounds, and the sum of the errors."""
    median = statistics.median
    return {
        "photos_per_second": round(median(s["photos"] / s["seconds"] for s in samples), 2),
        **{key: round(median(s[key] for s in samples), 1) for key in ("p50_ms", "p90_ms", "p99_ms")},
        "cpu_ms_per_photo": round(median(1e3 * s["cpu_seconds"] / max(1, s["photos"]) for s in samples), 1),
        "errors": sum(s["errors"] for s in samples),
    }


def machine() -> dict[str, Any]:
    """Describes the machine, and its load before the measurement."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    revision = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "processor": model,
        "cores": psutil.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "python": platform.python_version(),
        "revision": revision.stdout.strip(),
        "load_before": os.getloadavg(),
        "niceness": os.nice(0),
    }


if __name__ == "__main__":
    main()
