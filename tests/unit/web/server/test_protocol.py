"""What a connection reads while a request waits for the one before it."""

import asyncio
from types import SimpleNamespace
from typing import Any

from services.web.server.protocol import OneAtATime


class Transport(asyncio.Transport):
    """Remembers whether it reads."""

    is_read = True

    def pause_reading(self) -> None:
        self.is_read = False

    def resume_reading(self) -> None:
        self.is_read = True


async def test_whoever_asks_for_more_gets_nothing_while_a_request_waits() -> None:
    connection: Any = SimpleNamespace(pipeline=["a request"])
    transport = Transport()
    flow = OneAtATime(connection, transport)
    flow.pause_reading()
    flow.resume_reading()
    assert not transport.is_read
    connection.pipeline.clear()
    flow.resume_reading()
    assert transport.is_read
