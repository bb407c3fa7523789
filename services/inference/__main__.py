"""Runs the inference service: python -m services.inference"""

import asyncio
import gc

from services.common.process.logging import configure_logging
from services.common.process.signals import stop_signal
from services.common.process.tracing import configure_tracing
from services.inference.config import InferenceSettings
from services.inference.server import inference_server


async def main() -> None:
    """Serves until SIGTERM or Ctrl-C."""
    gc.freeze()  # exempts imported objects from garbage collection, which would block the event loop for 0.1 s
    settings = InferenceSettings()
    configure_logging("inference", settings)
    configure_tracing("inference")
    async with inference_server(settings):
        await stop_signal()


if __name__ == "__main__":
    asyncio.run(main())
