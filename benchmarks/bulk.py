"""Compares bulk classification with the bare limit, and with other engines that run the same ONNX file.

    ./benchmarks/run.sh bulk [ROUNDS] [PHOTOS]    (default: 3 rounds; PHOTOS of 500x333, a third of larger ones)

All take turns, several times, and medians count: on a machine that does other work, a neighbour disturbs all of them.
Processor time is more reliable there than elapsed time, so shares of the bare limit are shares of processor time. Each
classifies a small folder and a large one. What the larger one takes longer, divided by what it has more, is the time of
a photo without the start, which is shown by itself. Results go to docs/benchmarks/bulk.json.

The bare limit is one process for each core that calls the engine with bytes in memory, again and again.
"""

import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from benchmarks.compare import machine
from benchmarks.load import measure
from benchmarks.load.pictures import make_pictures
from benchmarks.systems.servers import HOME, MODEL

RESULTS = Path("docs/benchmarks/bulk.json")
SIZES = ((500, 333), (1600, 1067))
CORES = len(os.sched_getaffinity(0))
LOOK_SECONDS = 0.1
BARE = "benchmarks.systems.bare_processes"
log = logging.getLogger("benchmark")

Run = Callable[[Path, Path], list[str]]
"""Returns the command that classifies a folder into another."""


def main() -> None:
    """Runs from the command line."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    rounds, photos = (int(text) for text in (*sys.argv[1:], *("3", "3000")[len(sys.argv) - 1 :]))
    pictures = make_pictures(HOME / "photos", SIZES)
    samples: list[dict[str, Any]] = []
    about = machine() | {"rounds": rounds, "photos": photos, "begun": datetime.now(UTC).isoformat(timespec="seconds")}
    with tempfile.TemporaryDirectory(dir=HOME) as folder:
        for number in range(rounds):
            for name, picture in pictures.items():
                count = photos if name == "500x333" else photos // 3
                sizes = [folder_of(Path(folder), picture, count // 5), folder_of(Path(folder), picture, count)]
                runs = list(contenders().items())
                for contender, run in runs if number % 2 == 0 else reversed(runs):
                    samples.append({"contender": contender, "photo": name, **sample(run, sizes)})
                    log.info("%s", samples[-1])
            write(about | {"rounds_done": number + 1, "load_after": os.getloadavg()}, samples)


def contenders() -> dict[str, Run]:
    """Returns what can be run here: each has an environment of its own."""
    found: dict[str, Run] = {
        "bare limit": lambda folder, _output: [sys.executable, "-m", BARE, str(MODEL), str(folder), str(CORES)],
        "Verger, local": partial(_verger, _python("serving"), "local"),
    }
    if Path(_python("bulk-ray")).exists():
        found["Verger, Ray Data"] = partial(_verger, _python("bulk-ray"), "ray")
        found["Ray Data, read_images"] = partial(_other, "ray_data", _python("bulk-ray"))
    if Path(_python("daft")).exists():
        found["Daft"] = partial(_other, "daft", _python("daft"))
    return found


def _python(environment: str) -> str:
    return str(HOME / "env" / environment / "bin" / "python")


def _verger(python: str, engine: str, folder: Path, output: Path) -> list[str]:
    options = ["--model", str(MODEL), "--engine", engine, "--output", str(output)]
    return [python, "-m", "bulk", "classify", str(folder), *options]


def _other(name: str, python: str, folder: Path, output: Path) -> list[str]:
    return [python, "-m", f"benchmarks.contenders.{name}.classify", str(folder), str(output)]


def folder_of(home: Path, picture: Path, count: int) -> Path:
    """Returns a folder with so many links to a picture."""
    folder = home / f"{picture.stem}-{count}"
    if not folder.exists():
        folder.mkdir()
        for number in range(count):
            os.link(picture, folder / f"{number:06}.jpg")
    return folder


def sample(run: Run, folders: list[Path]) -> dict[str, float]:
    """Runs a contender on both folders. Returns its rate, the processor time of a photo, and the time of its start."""
    (small, short, idle), (large, long, busy) = timed(run, folders)
    seconds, processor_seconds = (long - short) / (large - small), (busy - idle) / (large - small)
    return {
        "photos_per_second": 1 / seconds,
        "cpu_ms_per_photo": 1e3 * processor_seconds,
        "start_seconds": short - small * seconds,
    }


def timed(run: Run, folders: list[Path]) -> Iterator[tuple[int, float, float]]:
    """Yields the photos of each folder, and the seconds and the processor seconds that they took."""
    settings = {"PYTHONPATH": os.getcwd(), "BENCHMARK_MODEL": str(MODEL), "RAY_USAGE_STATS_ENABLED": "0"}
    for folder in folders:
        with tempfile.TemporaryDirectory(dir=HOME) as output, (HOME / "bulk.log").open("wb") as said:
            command, begun = run(folder, Path(output, "out")), time.perf_counter()
            process = subprocess.Popen(command, env=os.environ | settings, stdout=said, stderr=said)
            used = watch(process)
            seconds = time.perf_counter() - begun
        if process.returncode:
            raise RuntimeError(f"{command} failed; {HOME / 'bulk.log'} says why.")
        yield len(os.listdir(folder)), seconds, used


def watch(process: "subprocess.Popen[bytes]") -> float:
    """Waits for the end of a process. Returns the processor seconds of it and of all that it has started."""
    used: dict[int, float] = {}
    while process.poll() is None:
        for member in measure.tree(process.pid):
            with suppress(psutil.Error):
                times = member.cpu_times()
                used[member.pid] = times.user + times.system
        time.sleep(LOOK_SECONDS)
    return sum(used.values())


def write(about: dict[str, Any], samples: list[dict[str, Any]]) -> None:
    """Writes every sample, and the median of each contender with its share of the bare limit of the same round."""
    summary = []
    for photo in dict.fromkeys(item["photo"] for item in samples):
        for contender in dict.fromkeys(item["contender"] for item in samples):
            mine = [each for each in samples if (each["contender"], each["photo"]) == (contender, photo)]
            bare = [each for each in samples if (each["contender"], each["photo"]) == ("bare limit", photo)]
            shares = [b["cpu_ms_per_photo"] / a["cpu_ms_per_photo"] for a, b in zip(mine, bare, strict=False)]
            summary.append(
                {
                    "contender": contender,
                    "photo": photo,
                    "photos_per_second": round(statistics.median(each["photos_per_second"] for each in mine), 1),
                    "cpu_ms_per_photo": round(statistics.median(each["cpu_ms_per_photo"] for each in mine), 2),
                    "start_seconds": round(statistics.median(each["start_seconds"] for each in mine), 1),
                    "of_bare_limit": round(statistics.median(shares), 3),
                }
            )
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps({"about": about, "summary": summary, "samples": samples}, indent=1) + "\n")


if __name__ == "__main__":
    main()
