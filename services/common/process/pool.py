"""Runs CPU work on threads beside the event loop, and limits how many calls may be in flight."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Generic, NamedTuple, TypeVar

from prometheus_client import Histogram

from services.common.errors import Overloaded
from services.common.process.metrics import DURATION_BUCKETS_SECONDS

T = TypeVar("T")

STAGE_SECONDS = Histogram(
    "verger_stage_seconds",
    "Time of one photo in one stage, without waiting",
    ["stage"],
    buckets=DURATION_BUCKETS_SECONDS,
)
QUEUE_SECONDS = Histogram(
    "verger_queue_seconds", "Wait of one photo for a free core", ["stage"], buckets=DURATION_BUCKETS_SECONDS
)


class Timed(NamedTuple, Generic[T]):
    """A result, with the milliseconds that it waited for a thread and the milliseconds that the work took."""

    value: T
    queue_ms: float
    work_ms: float


class WorkPool:
    """Threads for work that releases the GIL, such as Pillow's decoding and ONNX Runtime's forward pass.

    Health checks, reflection and refusals run on the event loop, so they never wait for these threads.
    """

    def __init__(self, stage: str, workers: int, max_in_flight: int) -> None:
        """Creates the pool.

        Args:
            stage: label of the metrics and prefix of the threads' names.
            workers: number of threads.
            max_in_flight: number of slots, that is, of items that may be worked on or waiting at the same time.
        """
        self._slots = asyncio.Semaphore(max_in_flight)
        self._queue_seconds, self._stage_seconds = QUEUE_SECONDS.labels(stage), STAGE_SECONDS.labels(stage)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix=stage)
        self._running = 0

    @property
    def is_idle(self) -> bool:
        """Whether no call of `run` is in progress. Work whose caller was cancelled does not count."""
        return self._running == 0

    @asynccontextmanager
    async def slot(self, wait: bool = False) -> AsyncIterator[None]:
        """Holds one slot while an item is answered.

        Args:
            wait: whether to wait for a slot. It is right for items of a stream, whose sender flow control holds back.

        Raises:
            Overloaded: no slot is free and `wait` is false. An unlimited queue would turn load into timeouts.
        """
        if self._slots.locked() and not wait:
            raise Overloaded("All places are taken. Wait a second, then send the request again.")
        async with self._slots:
            yield

    async def run(self, work: Callable[[], T]) -> Timed[T]:
        """Runs `work` on a thread. If the caller is cancelled before the work has started, it never starts."""
        asked = time.perf_counter()

        def timed() -> Timed[T]:
            started = time.perf_counter()
            value = work()
            return Timed(value, (started - asked) * 1e3, (time.perf_counter() - started) * 1e3)

        self._running += 1
        try:
            result = await asyncio.get_running_loop().run_in_executor(self._threads, timed)
        finally:
            self._running -= 1
        self._queue_seconds.observe(result.queue_ms / 1e3)
        self._stage_seconds.observe(result.work_ms / 1e3)
        return result

    def close(self) -> None:
        """Drops work that has not started, and lets the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)
