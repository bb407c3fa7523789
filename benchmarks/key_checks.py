"""Measures what the check of a known key adds to a call: python -m benchmarks.key_checks

It asks the gate itself, with the keys in a real SQLite database, and prints microseconds of one check: of processor
time, which other work on the machine does not change, and of time that passes. The budget is 200 µs a call.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from services.access.database import open_database
from services.access.gate import Gate
from services.access.keys import Scope
from services.access.store import KeyStore

KEYS = 100
CHECKS = 20_000


async def measure(folder: Path) -> tuple[float, list[float]]:
    """Returns the mean processor time of a check and the time that each one took, in seconds, in ascending order."""
    store = KeyStore(open_database(f"sqlite:///{folder / 'access.db'}"))
    made = [store.make(f"key {number}", "anna", frozenset({Scope.CLASSIFY}), None) for number in range(KEYS)]
    seconds = []
    async with Gate(store) as gate:
        for secret in made:  # the first one waits for the database
            await gate.admit([f"Bearer {secret.text}"], Scope.CLASSIFY)
        used = time.process_time()
        for number in range(CHECKS):
            authorization = [f"Bearer {made[number % KEYS].text}"]
            started = time.perf_counter()
            await gate.admit(authorization, Scope.CLASSIFY)
            seconds.append(time.perf_counter() - started)
        used = time.process_time() - used
    store.close()
    return used / CHECKS, sorted(seconds)


def main() -> None:
    """Prints the times."""
    with tempfile.TemporaryDirectory() as folder:
        mean, seconds = asyncio.run(measure(Path(folder)))
    median, p99 = seconds[CHECKS // 2], seconds[CHECKS * 99 // 100]
    sys.stdout.write(f"{KEYS} keys, {CHECKS} checks: {mean * 1e6:.1f} µs of processor time on average; ")
    sys.stdout.write(f"they took {median * 1e6:.1f} µs in the median, 99 % at most {p99 * 1e6:.1f} µs\n")


if __name__ == "__main__":
    main()
