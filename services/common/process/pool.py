"""Runs CPU work beside the event loop, on one thread per core, with a bounded number of calls waiting."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Generic, NamedTuple, TypeVar

from services.common.errors import Overloaded
from services.common.process.metrics import QUEUE_SECONDS, STAGE_SECONDS

T = TypeVar("T")


class Timed(NamedTuple, Generic[T]):
    """A result with the time it took."""

    value: T
    queue_ms: float
    work_ms: float


class WorkPool:
    """Threads for work that releases the GIL (Pillow's decoding, ONNX Runtime).

    Health checks, reflection and refusals run on the event loop and never wait for these threads.
    """

    def __init__(self, stage: str, workers: int, places: int) -> None:
        """Makes `workers` threads; at most `places` calls may be inside `place()` at once."""
        self._places = asyncio.Semaphore(places)
        self._queue_seconds, self._stage_seconds = QUEUE_SECONDS.labels(stage), STAGE_SECONDS.labels(stage)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix=stage)
        self._under_way = 0

    @property
    def idle(self) -> bool:
        """Whether no caller waits for work. What a cancelled caller left running is not counted."""
        return self._under_way == 0

    @asynccontextmanager
    async def place(self, wait: bool = False) -> AsyncIterator[None]:
        """Holds one place while an item is answered; `wait` is for items of streams, which hold back their sender.

        Raises:
            Overloaded: all places are taken. A queue without an end would only turn load into timeouts.
        """
        if self._places.locked() and not wait:
            raise Overloaded("All places are taken. Wait a second, then send the request again.")
        async with self._places:
            yield

    async def run(self, work: Callable[[], T]) -> Timed[T]:
        """Runs `work` on a thread. When the caller is cancelled first, work that has not started never does."""
        asked = time.perf_counter()

        def timed() -> Timed[T]:
            started = time.perf_counter()
            value = work()
            return Timed(value, (started - asked) * 1e3, (time.perf_counter() - started) * 1e3)

        self._under_way += 1
        try:
            result = await asyncio.get_running_loop().run_in_executor(self._threads, timed)
        finally:
            self._under_way -= 1
        self._queue_seconds.observe(result.queue_ms / 1e3)
        self._stage_seconds.observe(result.work_ms / 1e3)
        return result

    def close(self) -> None:
        """Drops work that has not started and lets the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)
