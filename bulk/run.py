"""Shows the steps of a run in order."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from bulk.engines.worker import Setup
from bulk.errors import SourceInvalid
from bulk.output.folder import Manifest, RunFolder, opened
from bulk.output.sorting import Sorter
from bulk.output.tables import Format, write_table
from bulk.sources.names import Names, write_names
from bulk.sources.source import names_in
from engine.photo.opening import Limits
from engine.version import VersionDirectory


class Engine(Protocol):
    """Classifies shards somewhere."""

    def run(
        self, shards: Iterable[tuple[int, list[bytes]]], progress: Callable[[int, int], None]
    ) -> Iterator[tuple[int, pa.Table]]:
        """Yields number and rows of each shard when it is done; see bulk.engines.crew.Crew.run."""


Engines = Callable[[Setup], AbstractContextManager[Engine]]


class Watcher(Protocol):
    """Follows a run."""

    def listing(self) -> AbstractContextManager[None]:
        """The photos are listed in the block."""

    def classifying(self, total: int, before: int) -> AbstractContextManager[Callable[[int, int], None]]:
        """Photos are classified in the block, `before` of `total` were before; yields where to report how many."""


@dataclass(frozen=True)
class Job:
    """What to classify, and what to make of it."""

    source: str
    column: str
    output: Path
    top_k: int
    limits: Limits
    form: Format = Format.PARQUET
    sort_into: Path | None = None
    copy: bool = False


@dataclass(frozen=True)
class Version:
    """The version that answers."""

    setup: Setup
    name: str
    number: str
    directory: VersionDirectory

    @property
    def labels(self) -> list[str]:
        """Labels of its classes."""
        return [info.label for info in self.directory.contract.classes]


@dataclass
class Summary:
    """What a run has found."""

    results: Path
    verdicts: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    sorted: int | None = None

    def add(self, rows: pa.Table) -> None:
        """Counts rows."""
        for counter, column in ((self.verdicts, "verdict"), (self.labels, "label"), (self.errors, "error")):
            counter.update(_counts(rows[column]))


def classify_all(job: Job, version: Version, engines: Engines, watcher: Watcher) -> Summary:
    """Classifies all photos of a source into a folder of results, or goes on with that.

    Raises:
        SourceInvalid, OutputInvalid, WorkersDie: see bulk.errors.
    """
    with opened(job.output) as folder:
        names = _names(job, version, folder, watcher)
        missing = folder.missing_shards(names)
        if missing:
            before = len(names) - sum(map(names.length, missing))
            with engines(version.setup) as engine, watcher.classifying(len(names), before) as progress:
                shards = ((number, names.shard(number)) for number in missing)
                for number, rows in engine.run(shards, progress):
                    folder.write_part(number, rows)
        top_k = min(job.top_k, len(version.labels))
        summary = Summary(write_table(folder.parts(names), job.form, job.output, top_k))
        for rows in folder.parts(names):
            summary.add(rows)
        if job.sort_into:
            sorter = Sorter(job.sort_into, _identity(job, version), version.labels, job.copy)
            photos = ((names.shard(number), rows) for number, rows in enumerate(folder.parts(names)))
            summary.sorted = sorter.sort(photos, job.limits.max_bytes)
    return summary


def _names(job: Job, version: Version, folder: RunFolder, watcher: Watcher) -> Names:
    def list_names(path: Path) -> None:
        with watcher.listing():
            write_names(names_in(job.source, job.column), path)
        if not len(Names(path)):
            raise SourceInvalid("SOURCE_EMPTY", f"There is no photo in {job.source}.")

    return folder.begin(_manifest(job, version), list_names)


def _manifest(job: Job, version: Version) -> Manifest:
    return Manifest(
        source=job.source,
        column=job.column,
        model=version.name,
        version=version.number,
        contract_digest=version.directory.digest,
        top_k=job.top_k,
        max_image_bytes=job.limits.max_bytes,
        max_image_pixels=job.limits.max_pixels,
        max_decode_bytes=job.limits.max_memory_bytes,
    )


def _identity(job: Job, version: Version) -> str:
    return f"{job.source}\n{version.directory.digest}\n"


def _counts(column: pa.ChunkedArray) -> Mapping[str, int]:
    counts = column.drop_null().value_counts()
    return {item["values"]: item["counts"] for item in counts.to_pylist()}
