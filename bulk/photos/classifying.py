"""From the names of a shard's photos to its rows: the same code in the processes of every engine."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import pyarrow as pa
from verger.v1 import model_pb2

from bulk.photos.reading import Content, read_ahead, reading_threads
from bulk.photos.rows import Model, Problem, Row, display_path, table_of
from engine.classifier import Classifier
from engine.errors import ImageTooManyPixels, VergerError
from engine.model.loading import load_model
from engine.photo.opening import Limits


class Watch(Protocol):
    """Learns what a process is at, so that others know which photo has killed it."""

    def begin(self, row: int, /) -> None:
        """The photo of this row is decoded and classified from now on."""

    def end(self, failed: bool, /) -> None:
        """The row is done."""


class Unwatched:
    """A Watch for processes that nobody replaces."""

    def begin(self, _row: int) -> None:
        """Does nothing."""

    def end(self, _failed: bool) -> None:
        """Does nothing."""


class PhotoClassifier:
    """A verified version that turns names of photos into rows."""

    def __init__(self, ref: model_pb2.ModelRef, folder: Path, limits: Limits, top_k: int) -> None:
        """Loads the version in a folder. Each forward pass uses one thread.

        Args:
            ref: name and version for the rows.
            folder: the directory of the version.
            limits: largest photos to accept.
            top_k: number of predictions in a row; 0 takes all classes.

        Raises:
            VersionUnknown, ModelCorrupt, ContractUnsupported: see engine.model.loading.load_model.
        """
        self._classifier = Classifier(load_model(ref, folder), limits)
        self._model = Model(ref.name, ref.version, self._classifier.model.digest)
        self._top_k = top_k
        self._threads = reading_threads()

    def table(self, names: Sequence[bytes], known: Mapping[int, Problem], watch: Watch) -> pa.Table:
        """Classifies the photos of a shard; returns a table of bulk.photos.rows.SCHEMA, in the same order.

        Args:
            names: paths or addresses.
            known: rows that are not tried, because their photos have killed a process, with what to say.
            watch: is told of each row.
        """
        # A photo that kills processes by its sheer content is not read again either.
        wanted = [name for row, name in enumerate(names) if row not in known]
        contents = read_ahead(wanted, self._classifier.limits.max_bytes, self._threads)
        rows = []
        for row, name in enumerate(names):
            if row in known:
                rows.append(Row(display_path(name), known[row]))
                failed = True
            else:
                content = next(contents)
                watch.begin(row)
                rows.append(self._row(name, content))
                failed = isinstance(rows[-1].outcome, Problem)
            watch.end(failed)
        return table_of(rows, self._model)

    def _row(self, name: bytes, content: Content) -> Row:
        path = display_path(name)
        if content.error:
            return Row(path, Problem(content.error.reason, str(content.error)), content.size)
        digest = hashlib.sha256(content.data).hexdigest()
        try:
            answer = self._classifier.classify(content.data, self._top_k)
        except MemoryError:
            error: VergerError = ImageTooManyPixels("Decoding the picture takes more memory than there is.")
        except VergerError as refused:
            error = refused
        except Exception as fault:  # a fault of this program must not cost the other photos their rows
            error = VergerError(f"Verger failed at this photo: {type(fault).__name__}, {fault}. Please report it.")
        else:
            return Row(path, answer, content.size, digest)
        return Row(path, Problem(error.reason, str(error)), content.size, digest)
