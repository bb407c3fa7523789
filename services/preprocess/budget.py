"""Shares a fixed amount of memory between pieces of work, in the order in which they ask."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class MemoryBudget:
    """Counts bytes that work has been promised. It belongs to one event loop."""

    def __init__(self, total_bytes: int) -> None:
        self._total_bytes = total_bytes
        self._free_bytes = total_bytes
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def reserved(self, amount_bytes: int) -> AsyncIterator[None]:
        """Holds so many bytes while the block runs; waits for them behind everybody who asked before.

        Raises:
            ValueError: the amount is more than the whole budget.
        """
        if amount_bytes > self._total_bytes:
            raise ValueError(f"{amount_bytes} bytes are more than the budget of {self._total_bytes}.")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((amount_bytes, turn))
        self._serve_waiting()
        try:
            await turn
            yield
        finally:
            if turn.done() and not turn.cancelled():
                self._free_bytes += amount_bytes
            self._serve_waiting()

    def _serve_waiting(self) -> None:
        while self._waiting and (self._waiting[0][1].cancelled() or self._waiting[0][0] <= self._free_bytes):
            amount_bytes, turn = self._waiting.popleft()
            if not turn.cancelled():
                self._free_bytes -= amount_bytes
                turn.set_result(None)
