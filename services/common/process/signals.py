"""Waits for the signals that end a service."""

import asyncio
import signal


async def stop_signal() -> None:
    """Returns when the process receives SIGTERM or SIGINT (Ctrl-C)."""
    received = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, received.set)
    await received.wait()
