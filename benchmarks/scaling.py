"""Measures throughput by number of cores, size of photos, number of classes and replicas of inference.

python -m benchmarks.scaling SECONDS writes docs/benchmarks/scaling.json. Each point takes SECONDS.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.compare import machine
from benchmarks.load.pictures import make_pictures, name_of
from benchmarks.systems import heads
from benchmarks.systems.chain import chain
from benchmarks.systems.servers import HOME, MODEL, VERGER

OUTPUT = Path("docs/benchmarks/scaling.json")
SIZES = ((250, 167), (500, 333), (1000, 667), (1600, 1067), (2400, 1600), (4000, 3000))
DOORS = ("Verger REST", "Verger gRPC")
CLASSES = (10, 100, 1000)
REPLICAS = (1, 2, 3, 4)
FORWARD_SECONDS = 0.05
"""Duration of a forward pass in benchmarks.systems.sleeping_inference."""
CALLERS = 8
WARM_UP_SECONDS = 2


@contextmanager
def on_cores(count: int) -> Iterator[None]:
    """Limits processes that the block starts to `count` cores. Load generators start outside and use all cores."""
    every = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(every)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, every)


def cores_and_sizes(photos: dict[str, Path], seconds: float) -> list[dict[str, Any]]:
    """Loads the launched system on one core, then on all cores, with photos of each size at each door."""
    rows = []
    for cores in sorted({1, len(os.sched_getaffinity(0))}):
        with ExitStack() as stack:
            with on_cores(cores):
                stack.enter_context(VERGER.running(next(iter(photos.values())).read_bytes()))
            rows += list(_doors(photos, cores, seconds))
    return rows


def _doors(photos: dict[str, Path], cores: int, seconds: float) -> Iterator[dict[str, Any]]:
    for door in DOORS:
        load = VERGER.doors()[door]
        load(next(iter(photos.values())), CALLERS, WARM_UP_SECONDS)
        for size, photo in zip(SIZES, photos.values(), strict=True):
            megapixels = round(size[0] * size[1] / 1e6, 2)
            yield {
                "cores": cores,
                "door": door,
                "photo": name_of(size),
                "megapixels": megapixels,
                **load(photo, CALLERS, seconds),
            }


def classes(photo: Path, seconds: float) -> Iterator[dict[str, Any]]:
    """Loads models with the released backbone and different numbers of classes. Answers contain every class."""
    for count in CLASSES:
        version = heads.version_with(count, HOME / "heads" / str(count))
        with chain(heads.store_of(version, HOME / "store")) as system:
            system.classify.callers(photo, CALLERS, WARM_UP_SECONDS)
            yield {"classes": count, **system.classify.callers(photo, CALLERS, seconds)}


def replicas(photo: Path, seconds: float) -> Iterator[dict[str, Any]]:
    """Loads 1 to 4 replicas of inference whose forward pass sleeps, which shows how calls are balanced."""
    store = heads.store_of(MODEL, HOME / "store")
    for count in REPLICAS:
        with chain(store, count, FORWARD_SECONDS) as system:
            system.classify.callers(photo, CALLERS, WARM_UP_SECONDS)
            before = system.forward_passes()
            sample = system.classify.callers(photo, 4 * CALLERS, seconds)
            passes = [now - then for now, then in zip(system.forward_passes(), before, strict=True)]
            yield {"replicas": count, "passes": passes, **sample}


def main() -> None:
    """Runs from the command line."""
    seconds = float(sys.argv[1])
    photos = make_pictures(HOME / "scaling-photos", SIZES)
    photo = photos["500x333"]
    begun = datetime.now(UTC).isoformat(timespec="seconds")
    results = {
        "about": machine() | {"seconds": seconds, "begun": begun, "forward_seconds": FORWARD_SECONDS},
        "sizes": cores_and_sizes(photos, seconds),
        "classes": list(classes(photo, seconds)),
        "replicas": list(replicas(photo, seconds)),
    }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
