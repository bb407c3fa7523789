"""Measures what counting a photo adds to a call: python -m benchmarks.quota_checks

It asks the quotas themselves, with what was taken in a real SQLite database, and prints for several limits the
microseconds of one photo: of processor time, the thread included that asks the database, and of time that passes.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from services.access.database import open_database
from services.access.quotas.policy import Caller, Limits, Policy
from services.access.quotas.quotas import Quotas
from services.access.store import KeyStore

LIMITS = (60_000, 6_000, 600, 60)
"""Photos within a minute."""

PHOTOS = 2_000
PHOTO_BYTES = 200_000
PAUSE_SECONDS = 0.005
"""Between two photos, in which other work makes the caches of the processor cold."""

CALLER = Caller("key", "3f9a1c07b2de")


async def measure(count: Callable[[], Awaitable[None]], photos: int) -> tuple[float, list[float]]:
    """Returns the mean processor time of a photo and the time that each one took, in seconds, in ascending order."""
    seconds, used = [], time.process_time()
    for _ in range(photos):
        await asyncio.sleep(PAUSE_SECONDS)
        started = time.perf_counter()
        await count()
        seconds.append(time.perf_counter() - started)
    return (time.process_time() - used) / photos, sorted(seconds)


async def compare(folder: Path, limit: int) -> tuple[float, list[float]]:
    """Returns what counting adds to the processor time of a photo, and the times that it took."""
    store = KeyStore(open_database(f"sqlite:///{folder / 'access.db'}"))
    store.load()
    async with Quotas(store, Policy(key=Limits(limit, 2 * limit * PHOTO_BYTES, 10))) as quotas:

        async def count() -> None:
            with quotas.call(CALLER):
                await quotas.take(CALLER, 1, PHOTO_BYTES)

        without, _ = await measure(lambda: asyncio.sleep(0), min(limit, PHOTOS))
        counted, seconds = await measure(count, min(limit, PHOTOS))
    store.close()
    return counted - without, seconds


def main() -> None:
    """Prints the times."""
    for limit in LIMITS:
        with tempfile.TemporaryDirectory() as folder:
            mean, seconds = asyncio.run(compare(Path(folder), limit))
        median, p99 = seconds[len(seconds) // 2], seconds[len(seconds) * 99 // 100]
        sys.stdout.write(f"{limit} photos a minute: {mean * 1e6:.0f} µs of processor time on average; ")
        sys.stdout.write(f"they took {median * 1e6:.0f} µs in the median, 99 % at most {p99 * 1e6:.0f} µs\n")


if __name__ == "__main__":
    main()
