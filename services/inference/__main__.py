"""Runs the inference service: python -m services.inference"""

import asyncio

from services.common.logging import configure_logging
from services.common.memory import prepare_memory
from services.common.server import stop_signal
from services.common.tracing import configure_tracing
from services.inference.config import InferenceSettings
from services.inference.server import inference_server


async def main() -> None:
    """Serves until SIGTERM or Ctrl-C."""
    prepare_memory()
    settings = InferenceSettings()
    configure_logging("inference", settings)
    configure_tracing("inference")
    async with inference_server(settings):
        await stop_signal()


if __name__ == "__main__":
    asyncio.run(main())
