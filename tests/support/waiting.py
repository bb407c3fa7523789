"""Waits for events in other threads and processes."""

import asyncio
import time
from collections.abc import Awaitable, Callable


def wait_until(condition: Callable[[], object], seconds: float = 30, what: str = "it") -> None:
    """Returns when the condition is true. Fails the test after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen within {seconds:g} s"
        time.sleep(0.05)


async def eventually(holds: Callable[[], Awaitable[object]], what: str, seconds: float = 30) -> None:
    """Does the same without blocking the event loop."""
    end = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < end, f"{what} did not happen within {seconds:g} s"
        await asyncio.sleep(0.05)
