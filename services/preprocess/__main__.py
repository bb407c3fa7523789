"""Runs the preprocess service: python -m services.preprocess"""

import asyncio

from services.common.logging import configure_logging
from services.common.memory import prepare_memory
from services.common.server import stop_signal
from services.common.tracing import configure_tracing
from services.preprocess.config import PreprocessSettings
from services.preprocess.server import preprocess_server


async def main() -> None:
    """Serves until SIGTERM or Ctrl-C."""
    prepare_memory()
    settings = PreprocessSettings()
    configure_logging("preprocess", settings)
    configure_tracing("preprocess")
    async with preprocess_server(settings):
        await stop_signal()


if __name__ == "__main__":
    asyncio.run(main())
