"""Speaks HTTP by hand: for requests that no client library sends."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """One answer: its status, its headers by lower-case name, and its body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def reason(self) -> Any:
        """The reason of a problem document."""
        return json.loads(self.body)["reason"]


class RawConnection:
    """One connection, on which a test sends what it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @property
    def has_ended(self) -> bool:
        """Whether the server has closed the connection, in order or by a reset, and all that it sent was read."""
        return self.reader.at_eof() or self.reader.exception() is not None

    async def send(self, *pieces: bytes) -> None:
        """Sends pieces of a request, each as a packet of its own if the network is quick enough."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0)

    async def answer(self, *, to: str = "GET") -> Answer:
        """Reads the next answer, which must have a Content-Length. `to` is the method of the request."""
        first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
        length = int(headers.get("content-length", 0)) if to != "HEAD" else 0
        return Answer(int(first.split()[1]), headers, await self.reader.readexactly(length))

    async def is_closed(self) -> bool:
        """Waits for the server to close the connection; False if it sends something instead."""
        try:
            return await self.reader.read(1) == b""
        except ConnectionResetError:
            return True


@asynccontextmanager
async def connected(address: object, source: str = "127.0.0.1") -> AsyncIterator[RawConnection]:
    """Connects to the server with this URL, from this address of the loopback network."""
    parts = urlsplit(str(address))
    assert parts.hostname is not None
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, local_addr=(source, 0))
    try:
        yield RawConnection(reader, writer)
    finally:
        writer.close()


async def ask(address: object, *pieces: bytes, to: str = "GET") -> Answer:
    """Sends a request in pieces on a connection of its own; returns its answer."""
    async with connected(address) as connection:
        await connection.send(*pieces)
        return await connection.answer(to=to)
