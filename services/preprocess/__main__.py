"""Runs the preprocess service: python -m services.preprocess"""

import asyncio
import gc

from services.common.process.logging import configure_logging
from services.common.process.signals import stop_signal
from services.common.process.tracing import configure_tracing
from services.preprocess.config import PreprocessSettings
from services.preprocess.server import preprocess_server


async def main() -> None:
    """Serves until SIGTERM or Ctrl-C."""
    gc.freeze()  # exempts imported objects from garbage collection, which would block the event loop for 0.1 s
    settings = PreprocessSettings()
    configure_logging("preprocess", settings)
    configure_tracing("preprocess")
    async with preprocess_server(settings):
        await stop_signal()


if __name__ == "__main__":
    asyncio.run(main())
