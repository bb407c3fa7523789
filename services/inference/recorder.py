"""Writes into the audit what happens to the registered model: what the trainer does, and moves of aliases without it.

Inference does this because it alone of all services may call MLflow. It never stops answering because of it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog

from registry.errors import RegistryUnavailable
from registry.reader import RegistryReader
from services.access.database import open_database
from services.access.journal import Journal
from services.inference.moves import Seen, of_acts, outside, seen_in

log = structlog.get_logger(__name__)

POLL_SECONDS = 5.0


@asynccontextmanager
async def recording(registry: RegistryReader, database: str) -> AsyncIterator[None]:
    """Records while the block runs.

    Args:
        registry: of the model.
        database: address of the database of the audit.

    Raises:
        DatabaseUnusable: this is no address of a database.
    """
    journal = Journal(open_database(database), registry.name)
    following = asyncio.create_task(_follow(registry, journal))
    try:
        yield
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        journal.close()


async def _follow(registry: RegistryReader, journal: Journal) -> None:
    is_failing = False
    while True:
        try:
            await asyncio.to_thread(record, registry, journal)
            is_failing = False
        except RegistryUnavailable:
            pass  # champion.py says so
        except Exception as error:  # whatever it is, photos are answered, and the next time may succeed
            if not is_failing:
                log.warning("the audit of versions is not written", error=type(error).__name__, message=str(error))
            is_failing = True
        await asyncio.sleep(POLL_SECONDS)


def record(registry: RegistryReader, journal: Journal) -> None:
    """Writes down what has happened since the last time, unless another process does it."""
    if not journal.hold():
        return
    stored = journal.seen()
    before = Seen(**stored) if stored else None
    aliases, acts = registry.aliases_and_acts()
    if outside(registry.name, journal.place, before, aliases, acts):
        # Acts are written before aliases move, but they may have been read before, too. Now they are not.
        aliases, acts = registry.aliases_and_acts()
    now = seen_in(aliases, acts)
    if now == before:
        return
    added = [*of_acts(registry.name, before, acts), *outside(registry.name, journal.place, before, aliases, acts)]
    if journal.write(now.as_json(), added):
        for entry in added:
            log.info("audit", **entry.as_json())
