"""The end of a service: the signals that ask for it, and an exit that waits for no thread."""

import asyncio
import logging
import os
import signal
import sys
from typing import NoReturn

from services.common.process.tracing import flush_traces


async def stop_signal() -> None:
    """Returns when the process receives SIGTERM or SIGINT (Ctrl-C)."""
    received = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, received.set)
    await received.wait()


def end_process() -> NoReturn:
    """Ends this process at once with the exit status 0.

    Python itself would wait for all threads, and nothing ends a thread that decodes or waits for a network.
    """
    flush_traces()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
