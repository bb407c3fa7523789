"""Runs the inference service: python -m services.inference"""

import asyncio
import gc

from services.common.process.signals import end_process, stop_signal
from services.common.process.start import start_process
from services.inference.config import InferenceSettings
from services.inference.server import inference_server


async def main(settings: InferenceSettings) -> None:
    """Serves until SIGTERM or Ctrl-C."""
    gc.freeze()  # exempts imported objects from garbage collection, which would block the event loop for 0.1 s
    async with inference_server(settings):
        await stop_signal()
    end_process()


if __name__ == "__main__":
    asyncio.run(main(start_process("inference", InferenceSettings)))
