"""Reads the messages of calls within one budget of memory, and survives bytes that are no message."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import DecodeError

from engine.errors import VergerError
from services.common.capacity.budget import MemoryBudget, Reservation
from services.common.capacity.places import Client
from services.common.errors import OutOfMemory, RequestMalformed
from services.common.rpc.records import check_of

Message = TypeVar("Message")

MAX_CLIENT_SHARE = 0.4
"""Part of the budget that one client may hold by single calls, and by streams likewise."""

MAX_CLIENT_WAITING = 64
"""Messages of one client that may wait for memory. Further calls are refused."""

UNKNOWN_BYTES = 8 * 2**20
"""Size that is expected of the first message of a client. Few photos are larger."""

MAX_REMEMBERED_CLIENTS = 1_000

ARRIVAL_SECONDS = 0.2
MIN_BYTES_PER_SECOND = 2_000_000
"""Memory is kept free for ARRIVAL_SECONDS for a message that has not arrived, and for as long as it takes at this rate;
not for ever, because a stream may be silent for hours."""


@dataclass
class Arrived(Generic[Message]):
    """What gRPC hands over: a message, or why the bytes are none. A message that is taken out is freed by its taker."""

    size_bytes: int
    message: Message | None = None
    error: VergerError | None = None

    def take(self) -> Message:
        """Returns the message and forgets it. Raises the error if there is one."""
        message, self.message = self.message, None
        if message is None:
            raise self.error or RuntimeError("The message has been taken already.")
        return message


def arrival_of(deserialize: Callable[[bytes], Message]) -> Callable[[bytes], Arrived[Message]]:
    """Returns a deserialiser that never fails. gRPC would answer an exception with its class name, and log it."""
    kind = getattr(getattr(deserialize, "__self__", None), "DESCRIPTOR", None)
    check = check_of(kind) if kind else None

    def arrived(raw: bytes) -> Arrived[Message]:
        try:
            if check:
                check(raw)
            return Arrived(len(raw), deserialize(raw))
        except RequestMalformed as error:
            return Arrived(len(raw), error=error)
        except DecodeError:
            text = "The bytes are not a message of this method. Send what Verger's .proto files say."
            return Arrived(len(raw), error=RequestMalformed(text))
        except MemoryError:
            return Arrived(len(raw), error=OutOfMemory())

    return arrived


class Inbox:
    """Reads messages while there is memory for them. HTTP/2's flow control holds back the senders of all others.

    gRPC does not tell the size of a message before it has read it whole. Therefore as much is reserved as the last
    messages of the same client had, and corrected when the message is there.
    """

    def __init__(self, budget_bytes: int, max_message_bytes: int) -> None:
        """Creates the inbox.

        Args:
            budget_bytes: memory for all messages that are being read or answered.
            max_message_bytes: largest message that gRPC reads; at most MAX_CLIENT_SHARE of the budget.
        """
        self._budget = MemoryBudget(budget_bytes, MAX_CLIENT_SHARE, MAX_CLIENT_WAITING)
        self._unknown_bytes = min(UNKNOWN_BYTES, max_message_bytes)
        self._expected_bytes: OrderedDict[Client, int] = OrderedDict()

    async def receive(
        self, arrivals: AsyncIterator[Arrived[Message]], client: Client, is_stream: bool = False
    ) -> tuple[Arrived[Message], Reservation] | None:
        """Reads one message and returns it with its memory, or returns None at the end of the call's messages.

        Args:
            arrivals: what gRPC reads for the call.
            client: who makes the call.
            is_stream: whether more than one message may come.

        Raises:
            RequestMalformed: the bytes are no message of the method.
            Overloaded: there is no memory for it, and many of the client's messages wait for some already.
        """
        expected_bytes = self._expected_bytes.get(client, self._unknown_bytes)
        reservation = await self._budget.reserve(expected_bytes, (client, is_stream))
        seconds = ARRIVAL_SECONDS + expected_bytes / MIN_BYTES_PER_SECOND
        overdue = asyncio.get_running_loop().call_later(seconds, reservation.release)
        arrived: Arrived[Message] | None = None
        try:
            arrived = await anext(arrivals, None)
        finally:
            overdue.cancel()
            reservation.resize(arrived.size_bytes if arrived and not arrived.error else 0)
        if arrived is None:
            return None
        self._expect(client, max(arrived.size_bytes, expected_bytes // 2))
        if arrived.error:
            raise arrived.error
        return arrived, reservation

    def _expect(self, client: Client, size_bytes: int) -> None:
        self._expected_bytes[client] = size_bytes
        self._expected_bytes.move_to_end(client)
        if len(self._expected_bytes) > MAX_REMEMBERED_CLIENTS:
            self._expected_bytes.popitem(last=False)


class Incoming(Generic[Message]):
    """The messages of a stream.

    The memory of a message is released when the next one is asked for, unless `hold` was called in between.
    """

    def __init__(self, inbox: Inbox, arrivals: AsyncIterator[Arrived[Message]], client: Client) -> None:
        """Creates the stream; the arguments are those of Inbox.receive."""
        self._inbox, self._arrivals, self._client = inbox, arrivals, client
        self._last: Reservation | None = None

    def __aiter__(self) -> "Incoming[Message]":
        return self

    async def __anext__(self) -> Message:
        self.close()
        received = await self._inbox.receive(self._arrivals, self._client, is_stream=True)
        if received is None:
            raise StopAsyncIteration
        arrived, self._last = received
        return arrived.take()

    def hold(self) -> Reservation:
        """Returns the memory of the last message, to be released by the caller."""
        if self._last is None:
            raise RuntimeError("There is no message to hold.")
        held, self._last = self._last, None
        return held

    def close(self) -> None:
        """Releases the memory of the last message, if nobody holds it."""
        if self._last is not None:
            self._last.release()
            self._last = None
