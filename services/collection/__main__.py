"""Runs the collection service: python -m services.collection"""

import asyncio
import gc

from services.access.start import start_guarded
from services.collection.config import CollectionSettings
from services.collection.server import collection_server
from services.common.process.signals import end_process, stop_signal


async def main(settings: CollectionSettings) -> None:
    """Serves until SIGTERM or Ctrl-C."""
    gc.freeze()  # exempts imported objects from garbage collection, which would block the event loop for 0.1 s
    async with collection_server(settings):
        await stop_signal()
    end_process()


if __name__ == "__main__":
    asyncio.run(main(start_guarded("collection", CollectionSettings)))
