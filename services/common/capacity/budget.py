"""Shares a fixed amount of memory between pieces of work, and fairly between those who ask for it."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.common.errors import Overloaded


class MemoryBudget:
    """Counts bytes that are held or promised. It belongs to one event loop."""

    def __init__(self, total_bytes: int, max_client_share: float = 1, max_client_waiting: int | None = None) -> None:
        """Creates a budget of which nothing is held.

        Args:
            total_bytes: bytes to share.
            max_client_share: part of them that one client may reserve, above 0 and at most 1.
            max_client_waiting: how often one client may wait at the same time; None for any number.
        """
        self._free_bytes = total_bytes
        self._max_client_bytes = int(total_bytes * max_client_share)
        self._max_client_waiting = max_client_waiting
        self._held_bytes: dict[Hashable, int] = {}
        self._waiting: list[_Waiting] = []

    async def reserve(self, amount_bytes: int, client: Hashable = None) -> "Reservation":
        """Reserves so many bytes; waits for them behind those whose clients hold less, or as much and asked before.

        Raises:
            Overloaded: the client waits as often as it may.
            ValueError: the amount is more than one client may reserve.
        """
        if amount_bytes > self._max_client_bytes:
            raise ValueError(f"{amount_bytes} bytes are more than the budget of {self._max_client_bytes}.")
        reservation = Reservation(self, client)
        if not self._waiting and amount_bytes <= min(self._free_bytes, self._rest_of_share(client)):
            reservation.resize(amount_bytes)
            return reservation
        if sum(waiting.client == client for waiting in self._waiting) == self._max_client_waiting:
            raise Overloaded("No memory is free for further photos. Wait a second, then send the request again.")
        waiting = _Waiting(reservation, client, amount_bytes, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._serve_waiting()
        try:
            await waiting.turn
        except asyncio.CancelledError:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
            reservation.release()
            self._serve_waiting()
            raise
        return reservation

    @asynccontextmanager
    async def reserved(self, amount_bytes: int, client: Hashable = None) -> AsyncIterator[None]:
        """Holds so many bytes while the block runs. Waits and raises as `reserve`."""
        reservation = await self.reserve(amount_bytes, client)
        try:
            yield
        finally:
            reservation.release()

    def change(self, client: Hashable, by_bytes: int) -> None:
        """Counts that a client holds so much more or, below 0, less. What is held may exceed the budget."""
        held = self._held_bytes.get(client, 0) + by_bytes
        if held:
            self._held_bytes[client] = held
        else:
            self._held_bytes.pop(client, None)
        self._free_bytes -= by_bytes
        if by_bytes < 0:
            self._serve_waiting()

    def _rest_of_share(self, client: Hashable) -> int:
        return self._max_client_bytes - self._held_bytes.get(client, 0)

    def _serve_waiting(self) -> None:
        while (waiting := self._next()) is not None and waiting.amount_bytes <= self._free_bytes:
            self._waiting.remove(waiting)
            waiting.turn.set_result(None)
            waiting.reservation.resize(waiting.amount_bytes)

    def _next(self) -> "_Waiting | None":
        first_of_client: dict[Hashable, _Waiting] = {}
        for waiting in self._waiting:
            if not waiting.turn.done():
                first_of_client.setdefault(waiting.client, waiting)
        candidates = [
            first for first in first_of_client.values() if first.amount_bytes <= self._rest_of_share(first.client)
        ]
        return min(candidates, key=lambda waiting: self._held_bytes.get(waiting.client, 0), default=None)


class Reservation:
    """Bytes that one piece of work holds."""

    def __init__(self, budget: MemoryBudget, client: Hashable) -> None:
        """Creates a reservation of no bytes. MemoryBudget.reserve makes others."""
        self._budget, self._client, self._bytes = budget, client, 0

    def resize(self, to_bytes: int) -> None:
        """Holds so many bytes from now on: as many as turned out to be needed, even beyond the budget."""
        by_bytes, self._bytes = to_bytes - self._bytes, to_bytes
        self._budget.change(self._client, by_bytes)

    def release(self) -> None:
        """Gives all bytes back. A second call does nothing."""
        self.resize(0)


@dataclass(frozen=True, eq=False)
class _Waiting:
    reservation: Reservation
    client: Hashable
    amount_bytes: int
    turn: "asyncio.Future[None]"
