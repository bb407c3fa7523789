"""Runs CPU work on threads beside the event loop, and knows when they are stuck."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Generic, NamedTuple, TypeVar

from prometheus_client import Histogram

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


def observe(stage: str, result: Timed[T]) -> Timed[T]:
    """Adds the times of one photo in one stage to the metrics, and returns the result as it is."""
    QUEUE_SECONDS.labels(stage).observe(result.queue_ms / 1e3)
    STAGE_SECONDS.labels(stage).observe(result.work_ms / 1e3)
    return result


class WorkPool:
    """Threads for work that releases the GIL, such as Pillow's decoding and ONNX Runtime's forward pass.

    Health checks, reflection and refusals run on the event loop, so they never wait for these threads.
    """

    def __init__(self, stage: str, workers: int) -> None:
        """Creates the pool.

        Args:
            stage: label of the metrics and prefix of the threads' names.
            workers: number of threads.
        """
        self._stage, self._workers = stage, workers
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix=stage)
        self._running = 0
        self._busy_since: dict[int, float] = {}
        """By thread that is at work: when it began with what it works on now (time.monotonic)."""

    @property
    def is_idle(self) -> bool:
        """Whether no call of `run` is in progress. Work whose caller was cancelled does not count."""
        return self._running == 0

    @property
    def stuck_seconds(self) -> float:
        """Time for which every thread has been busy with one and the same piece of work; 0 while one is free.

        Work whose caller was cancelled counts, since nothing ends a thread.
        """
        since = list(self._busy_since.values())
        return time.monotonic() - max(since) if len(since) == self._workers else 0.0

    async def run(self, work: Callable[[], T]) -> Timed[T]:
        """Runs `work` on a thread. If the caller is cancelled before the work has started, it never starts."""
        asked = time.perf_counter()

        def timed() -> Timed[T]:
            thread = threading.get_ident()
            self._busy_since[thread] = time.monotonic()
            try:
                started = time.perf_counter()
                value = work()
                return Timed(value, (started - asked) * 1e3, (time.perf_counter() - started) * 1e3)
            finally:
                del self._busy_since[thread]

        self._running += 1
        try:
            in_context = copy_context().run  # so that what it logs names the service and the request
            result = await asyncio.get_running_loop().run_in_executor(self._threads, in_context, timed)
        finally:
            self._running -= 1
        return observe(self._stage, result)

    def close(self) -> None:
        """Drops work that has not started, and lets the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)
