"""What a process of a crew does: it classifies the photos of one shard after another, and may be killed while it does.

Crew (bulk.engines.crew) starts it with `python -m bulk.engines.worker SOCKET STATE`, where both are descriptors: of a
connection to the crew, and of the memory in which it says what it is at.
"""

import mmap
import sys
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from verger.v1 import model_pb2

from bulk.photos.classifying import PhotoClassifier
from bulk.photos.rows import Problem
from engine.errors import VergerError
from engine.photo.opening import Limits

NO_ROW = -1


@dataclass(frozen=True)
class Setup:
    """What a process needs to know first."""

    ref: bytes
    """A serialised verger.v1.ModelRef."""
    folder: str
    limits: Limits
    top_k: int


@dataclass(frozen=True)
class Task:
    """A shard: the names of its photos, and rows that are known already because their photos kill processes."""

    names: list[bytes]
    known: dict[int, Problem]


class State:
    """Numbers that a process writes and its crew reads, in memory that both have. It outlives the process."""

    def __init__(self, descriptor: int) -> None:
        """Maps the memory of an open file, and makes it as large as needed."""
        self._memory = mmap.mmap(descriptor, mmap.PAGESIZE)
        self._numbers: NDArray[np.float64] = np.frombuffer(self._memory, np.float64, 4)

    def reset(self) -> None:
        """Forgets what a process was at."""
        self._numbers[:] = NO_ROW, 0, 0, 0

    def begin(self, row: int) -> None:
        """The photo of this row of the shard is decoded and classified from now on."""
        self._numbers[1] = time.monotonic()
        self._numbers[0] = row

    def end(self, failed: bool) -> None:
        """The row is done."""
        self._numbers[0] = NO_ROW
        self._numbers[2] += 1
        self._numbers[3] += failed

    @property
    def row(self) -> int:
        """Row of the photo that is decoded and classified; NO_ROW while none is."""
        return int(self._numbers[0])

    @property
    def seconds(self) -> float:
        """How long that takes already."""
        return time.monotonic() - float(self._numbers[1]) if self.row != NO_ROW else 0.0

    @property
    def counts(self) -> tuple[int, int]:
        """Photos of the current shard that are done, and those of them that have an error."""
        return int(self._numbers[2]), int(self._numbers[3])


class CrewGone(Exception):
    """Nobody waits for answers any more."""


class WatchedState:
    """Tells the state of each row, and looks whether the crew is still there. Implements classifying.Watch."""

    def __init__(self, state: State, connection: "Connection[Any, Any]") -> None:
        self._state, self._connection = state, connection

    def begin(self, row: int) -> None:
        if self._connection.poll():  # the crew sends nothing before it has the answer, so this is its end
            raise CrewGone
        self._state.begin(row)

    def end(self, failed: bool) -> None:
        self._state.end(failed)


def main() -> None:
    """Runs from the command line."""
    connection: Connection[Any, Any] = Connection(int(sys.argv[1]))
    pa.set_cpu_count(1)
    watch = WatchedState(State(int(sys.argv[2])), connection)
    try:
        _work(connection, watch)
    except (EOFError, ConnectionError, CrewGone):
        return


def _work(connection: "Connection[Any, Any]", watch: WatchedState) -> None:
    setup: Setup = connection.recv()
    try:
        ref = model_pb2.ModelRef.FromString(setup.ref)
        classifier = PhotoClassifier(ref, Path(setup.folder), setup.limits, setup.top_k)
    except VergerError as error:
        connection.send(Problem(error.reason, str(error)))
        return
    while True:
        task: Task = connection.recv()
        connection.send(classifier.table(task.names, task.known, watch))


if __name__ == "__main__":
    main()
