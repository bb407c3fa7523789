"""Runs the collection service: python -m services.collection; with arguments, one of its commands: --help."""

import asyncio
import gc
import sys

from services.access.start import start_guarded
from services.collection.commands.app import main as run_command
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
    if sys.argv[1:]:
        sys.exit(run_command())
    asyncio.run(main(start_guarded("collection", CollectionSettings)))
