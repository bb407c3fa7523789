"""Shares a limited number of places fairly between clients, and between single calls and streams."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import NamedTuple

from services.common.capacity.limit import AdaptiveLimit
from services.common.errors import Overloaded


class Client(NamedTuple):
    """Whom a place is given to."""

    peer: str
    """Address of the machine at the other end of the connection."""

    user: str = ""
    """Address that the peer names as the one it asks for, such as that of a browser; empty when it names none."""


class Places:
    """Places for photos in flight. It belongs to one event loop.

    A single call gets a place at once or is refused. It gets one while any is free, and also when all are taken as long
    as its client holds less than an equal share of them: one client's many calls never shut another client out. Users
    whom a peer names share what that peer gets, which is at most twice its share: a peer gains nothing by inventing
    users.

    Items of streams wait for their turn instead, and hold at most half of the places, so that streams never shut single
    calls out. The item whose client holds the fewest places comes first.
    """

    def __init__(self, limit: AdaptiveLimit) -> None:
        """Creates the places, all of them free."""
        self._limit = limit
        self._taken = 0
        self._taken_in_turn = 0
        self._by_client: dict[str, Counter[str]] = {}
        self._waiting: list[tuple[Client, asyncio.Future[None]]] = []

    @contextmanager
    def at_once(self, client: Client) -> Iterator[None]:
        """Holds a place while the block runs.

        Raises:
            Overloaded: no place is free. An unlimited queue would turn load into timeouts.
        """
        places = self._places()
        if self._taken >= places and not self._is_below_share(client, places):
            self._limit.count_refusal(self._taken)
            raise Overloaded("All places are taken. Wait a second, then send the request again.")
        self._take(client)
        try:
            yield
        finally:
            self._leave(client)

    @asynccontextmanager
    async def in_turn(self, client: Client) -> AsyncIterator[None]:
        """Waits for a place and holds it while the block runs. It is right where flow control holds back the sender."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((client, turn))
        self._serve_waiting()
        try:
            await turn
            yield
        finally:
            if turn.done() and not turn.cancelled():
                self._taken_in_turn -= 1
                self._leave(client)
            else:
                self._waiting.remove((client, turn))

    def _places(self) -> int:
        return self._limit.places(self._taken - self._taken_in_turn, self._taken_in_turn)

    def _is_below_share(self, client: Client, places: int) -> bool:
        users = self._by_client.get(client.peer, Counter())
        peers = len(self._by_client) + (client.peer not in self._by_client)
        peer_share = places / peers
        user_share = max(1.0, peer_share / (len(users) + (client.user not in users)))
        return users[client.user] < user_share and users.total() < 2 * peer_share

    def _take(self, client: Client) -> None:
        self._taken += 1
        self._by_client.setdefault(client.peer, Counter())[client.user] += 1

    def _leave(self, client: Client) -> None:
        self._taken -= 1
        users = self._by_client[client.peer]
        users[client.user] -= 1
        if not users[client.user]:
            del users[client.user]
        if not users:
            del self._by_client[client.peer]
        self._serve_waiting()

    def _serve_waiting(self) -> None:
        while waiting := [entry for entry in self._waiting if not entry[1].cancelled()]:
            places = self._places()
            if self._taken >= places or self._taken_in_turn >= max(1, places // 2):
                return
            client, turn = first = min(waiting, key=self._taken_by)
            self._waiting.remove(first)
            self._taken_in_turn += 1
            self._take(client)
            turn.set_result(None)

    def _taken_by(self, waiting: tuple[Client, asyncio.Future[None]]) -> tuple[int, int]:
        users = self._by_client.get(waiting[0].peer, Counter())
        return users.total(), users[waiting[0].user]
