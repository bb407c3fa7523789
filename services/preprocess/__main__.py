"""Runs the preprocess service: python -m services.preprocess"""

import asyncio
import gc

from services.access.start import start_guarded
from services.common.process.signals import end_process, stop_signal
from services.preprocess.config import PreprocessSettings
from services.preprocess.server import preprocess_server


async def main(settings: PreprocessSettings) -> None:
    """Serves until SIGTERM or Ctrl-C."""
    gc.freeze()  # exempts imported objects from garbage collection, which would block the event loop for 0.1 s
    async with preprocess_server(settings):
        await stop_signal()
    end_process()


if __name__ == "__main__":
    asyncio.run(main(start_guarded("preprocess", PreprocessSettings)))
