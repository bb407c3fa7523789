"""A crew of processes that classify shards. A process that dies is replaced, and its shard is classified again.

A photo at which processes die gets an error instead. Nobody else than the crew learns of all this.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import pyarrow as pa

from bulk.engines.worker import NO_ROW, Setup, State, Task
from bulk.errors import WorkersDie
from bulk.photos.rows import Problem
from engine.errors import ImageCorrupt, ImageTooComplex, VergerError

MAX_DEATHS_OF_A_PHOTO = 2
"""Processes that die at the same photo before it gets an error. The first may have died for another reason."""

MAX_DEATHS = 10
"""Processes in a row that die at different photos, or at none, before the crew gives up."""

LOOK_SECONDS = 0.5
"""Interval at which the crew looks at what its processes are at."""

_ALLOCATOR = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(64 * 2**20),
}
"""glibc's settings for processes that decode photos; scripts/environment.sh says why."""

_ROOT = Path(__file__).resolve().parents[2]

Progress = Callable[[int, int], None]
"""Receives how many photos are done, and how many of them have an error. It is called about twice a second."""


@dataclass
class _Shard:
    number: int
    names: list[bytes]
    known: dict[int, Problem] = field(default_factory=dict)
    deaths: Counter[int] = field(default_factory=Counter)
    """How many processes have died at each row."""


class Crew:
    """Processes that all have the same version loaded. Use it as a context manager: none outlives the block."""

    def __init__(self, setup: Setup, workers: int, photo_seconds: float) -> None:
        """Prepares the crew; its processes start with the first shards.

        Args:
            setup: what each process needs to know.
            workers: number of processes.
            photo_seconds: time limit of decoding and classifying one photo.
        """
        self._setup = setup
        self._size = workers
        self._photo_seconds = photo_seconds
        self._workers: list[_Worker] = []
        self._deaths = 0

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.kill()
        self._workers = []

    def run(self, shards: Iterable[tuple[int, list[bytes]]], progress: Progress) -> Iterator[tuple[int, pa.Table]]:
        """Yields the number and the rows of each shard as soon as it is done.

        Args:
            shards: numbers and names; the next is taken when a process is free.
            progress: is told of photos that are done, those of unfinished shards included.

        Raises:
            WorkersDie: processes end again and again, and no single photo is the cause.
            VergerError: the version can't be loaded.
        """
        waiting = (_Shard(number, names) for number, names in shards)
        again: deque[_Shard] = deque()
        done, failed = 0, 0
        while True:
            self._give_out(waiting, again)
            busy = [worker for worker in self._workers if worker.shard]
            if not busy:
                return
            for worker in self._ready(busy):
                shard, answer = worker.collect()
                if answer is None:
                    self._bury(worker, shard, again)
                else:
                    self._deaths = 0
                    done, failed = done + len(answer), failed + answer.num_rows - answer["error"].null_count
                    yield shard.number, answer
            counts = [worker.state.counts for worker in self._workers if worker.shard]
            progress(done + sum(count for count, _ in counts), failed + sum(count for _, count in counts))

    def _give_out(self, waiting: Iterator[_Shard], again: deque[_Shard]) -> None:
        while True:
            free = next((worker for worker in self._workers if not worker.shard), None)
            if free is None and len(self._workers) == self._size:
                return
            shard = again.popleft() if again else next(waiting, None)
            if shard is None:
                return
            if free is None:
                free = _Worker(self._setup)
                self._workers.append(free)
            free.give(shard)

    def _ready(self, busy: "list[_Worker]") -> "list[_Worker]":
        """Waits for answers and deaths, and kills processes that take too long for a photo."""
        ready = wait([worker.connection for worker in busy], LOOK_SECONDS)
        for worker in busy:
            if worker.connection not in ready and worker.state.seconds > self._photo_seconds:
                worker.stop_late()
        return [worker for worker in busy if worker.connection in ready]

    def _bury(self, worker: "_Worker", shard: _Shard, again: deque[_Shard]) -> None:
        """Notes at which photo a process has died, and puts its shard back."""
        self._workers.remove(worker)
        status, row = worker.kill(), worker.state.row
        self._deaths += 1
        if row != NO_ROW:
            shard.deaths[row] += 1
            if shard.deaths[row] == MAX_DEATHS_OF_A_PHOTO:
                error = self._cause(status, worker.is_late)
                shard.known[row] = Problem(error.reason, str(error))
                self._deaths = 0
        if self._deaths == MAX_DEATHS:
            raise WorkersDie(
                f"{MAX_DEATHS} processes have died one after the other, the last one with status {status}. Perhaps "
                "memory is short: set VERGER_BULK_WORKERS to a smaller number. Then run the same command again."
            )
        again.append(shard)

    def _cause(self, status: int, is_late: bool) -> VergerError:
        if is_late:
            return ImageTooComplex(
                f"Decoding the picture takes longer than {self._photo_seconds:g} s. Save it again and send the copy."
            )
        if status == -signal.SIGKILL:  # nobody but the kernel kills a worker, and only for memory
            return ImageTooComplex("Decoding the picture takes more memory than this machine has.")
        return ImageCorrupt("The picture is damaged and crashes its decoder. Save it again and send the copy.")


class _Worker:
    """One process, as its crew sees it."""

    def __init__(self, setup: Setup) -> None:
        ours, theirs = socket.socketpair()
        self.connection: Connection[Any, Any] = Connection(ours.detach())
        self.shard: _Shard | None = None
        self.is_late = False
        with tempfile.TemporaryFile() as memory, theirs:
            memory.truncate(os.sysconf("SC_PAGE_SIZE"))
            self.state = State(memory.fileno())
            self.state.reset()
            descriptors = theirs.fileno(), memory.fileno()
            self._process = subprocess.Popen(  # noqa: S603  # this program itself
                [sys.executable, "-m", "bulk.engines.worker", *map(str, descriptors)],
                env=_ALLOCATOR | os.environ | {"PYTHONPATH": os.pathsep.join([str(_ROOT), *_own_path()])},
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                process_group=0,  # Ctrl-C reaches the crew alone, which ends its processes
            )
        self._send(setup)

    def give(self, shard: _Shard) -> None:
        """Lets the process classify a shard."""
        self.shard = shard
        self.state.reset()
        self._send(Task(shard.names, shard.known))

    def collect(self) -> tuple[_Shard, pa.Table | None]:
        """Returns the shard that the process had, and its rows, or None if the process has died.

        Raises:
            VergerError: the process can't load the version.
        """
        shard = self.shard
        if shard is None:
            raise AssertionError("Nothing was asked of this process.")
        try:
            answer: pa.Table | Problem = self.connection.recv()
        except (EOFError, ConnectionError):
            return shard, None
        if isinstance(answer, Problem):
            raise VersionRefused(answer)
        self.shard = None
        return shard, answer

    def stop_late(self) -> None:
        """Ends the process because it takes too long. That it has ended shows as any other death."""
        self.is_late = True
        self._process.kill()

    def kill(self) -> int:
        """Ends the process, if it has not ended, and returns its status."""
        self._process.kill()
        self.connection.close()
        return self._process.wait()

    def _send(self, message: object) -> None:
        with _deaths_show_later():
            self.connection.send(message)


def _own_path() -> list[str]:
    return [path for path in [os.environ.get("PYTHONPATH")] if path]


@contextmanager
def _deaths_show_later() -> Iterator[None]:
    """A process that has died shows when its answer is collected, and only there."""
    try:
        yield
    except ConnectionError:
        return


class VersionRefused(VergerError):
    """A process could not load the version."""

    code = "FAILED_PRECONDITION"

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.reason = problem.reason
