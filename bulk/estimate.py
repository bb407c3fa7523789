"""Counts the photos of a source and estimates what classifying them takes, without writing results."""

import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from verger.v1 import model_pb2

from bulk.errors import SourceInvalid
from bulk.photos.classifying import PhotoClassifier, Unwatched
from bulk.run import Job, Version, Watcher
from bulk.sources.names import Names, write_names
from bulk.sources.source import names_in

MAX_SAMPLE_PHOTOS = 100
MAX_SAMPLE_SECONDS = 10.0


@dataclass
class Estimate:
    """What a run would do."""

    photos: int
    sample: int = 0
    """Photos that were tried, spread evenly over the source."""
    seconds: float = 0.0
    """Time that classifying all of them takes."""
    bytes: int = 0
    """Size of all photos."""
    errors: Counter[str] = field(default_factory=Counter)
    """Reasons of errors in the sample."""


def estimate(job: Job, version: Version, workers: int, watcher: Watcher) -> Estimate:
    """Lists the photos and classifies some of them on one core.

    Raises:
        SourceInvalid: see bulk.sources.source.names_in, or there is no photo.
    """
    with tempfile.TemporaryDirectory(prefix="verger-") as folder:
        path = Path(folder, "names.arrow")
        with watcher.listing():
            write_names(names_in(job.source, job.column), path)
        names = Names(path)
        if not len(names):
            raise SourceInvalid("SOURCE_EMPTY", f"There is no photo in {job.source}.")
        return _from_sample(job, version, workers, names)


def _from_sample(job: Job, version: Version, workers: int, names: Names) -> Estimate:
    found = Estimate(len(names))
    ref = model_pb2.ModelRef.FromString(version.setup.ref)
    classifier = PhotoClassifier(ref, version.directory.path, job.limits, job.top_k)
    begun, sizes, seconds = time.perf_counter(), [], 0.0
    for start in range(0, len(names), -(-len(names) // MAX_SAMPLE_PHOTOS)):
        rows = classifier.table(names.slice(start, 1), {}, Unwatched())
        seconds = time.perf_counter() - begun
        sizes += rows["size"].drop_null().to_pylist()
        found.errors.update(rows["error"].drop_null().to_pylist())
        found.sample += 1
        if seconds > MAX_SAMPLE_SECONDS:
            break
    found.seconds = seconds / found.sample * found.photos / workers
    found.bytes = round(sum(sizes) / len(sizes) * found.photos) if sizes else 0
    return found
