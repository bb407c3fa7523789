import asyncio

import pytest

from services.preprocess.budget import MemoryBudget


class Work:
    """Holds memory until it is told to end."""

    def __init__(self, budget: MemoryBudget, amount: int) -> None:
        self.started, self.end = asyncio.Event(), asyncio.Event()
        self.task = asyncio.create_task(self._hold(budget, amount))

    async def _hold(self, budget: MemoryBudget, amount: int) -> None:
        async with budget.reserved(amount):
            self.started.set()
            await self.end.wait()


async def settled(*works: Work) -> list[bool]:
    """Which works have started, once nothing can change any more."""
    for _ in range(5):
        await asyncio.sleep(0)
    return [work.started.is_set() for work in works]


async def test_work_waits_for_memory_in_order() -> None:
    budget = MemoryBudget(10)
    first, large, small = Work(budget, 6), Work(budget, 8), Work(budget, 1)
    assert await settled(first, large, small) == [True, False, False]
    first.end.set()
    assert await settled(first, large, small) == [True, True, True]


async def test_work_that_gives_up_makes_room() -> None:
    budget = MemoryBudget(10)
    first, large, small = Work(budget, 6), Work(budget, 8), Work(budget, 4)
    await settled()
    large.task.cancel()
    assert await settled(first, large, small) == [True, False, True]
    first.task.cancel()
    small.task.cancel()
    last = Work(budget, 10)
    assert await settled(last) == [True]
    last.end.set()


async def test_memory_is_not_lost_when_work_is_cancelled_as_it_starts() -> None:
    budget = MemoryBudget(10)
    first, second = Work(budget, 10), Work(budget, 10)
    await settled()
    first.end.set()
    await asyncio.sleep(0)
    second.task.cancel()
    third = Work(budget, 10)
    assert await settled(third) == [True]
    third.end.set()


async def test_more_than_all_is_an_error() -> None:
    with pytest.raises(ValueError, match="more than the budget"):
        async with MemoryBudget(10).reserved(11):
            pass
