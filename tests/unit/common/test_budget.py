import asyncio

import pytest

from services.common.capacity.budget import MemoryBudget
from services.common.errors import Overloaded


class Work:
    """Holds memory until it is told to end."""

    def __init__(self, budget: MemoryBudget, amount: int, client: str = "") -> None:
        self.started, self.end = asyncio.Event(), asyncio.Event()
        self.task = asyncio.create_task(self._hold(budget, amount, client))

    async def _hold(self, budget: MemoryBudget, amount: int, client: str) -> None:
        async with budget.reserved(amount, client):
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


async def test_a_client_at_its_share_waits_and_lets_others_pass() -> None:
    budget = MemoryBudget(10, max_client_share=0.5)
    works = [Work(budget, 4, "busy"), Work(budget, 4, "busy"), Work(budget, 4, "quiet")]
    assert await settled(*works) == [True, False, True]
    works[2].end.set()
    assert await settled(*works) == [True, False, True]
    works[0].end.set()
    assert await settled(*works) == [True, True, True]


async def test_a_client_that_waits_too_often_is_refused() -> None:
    budget = MemoryBudget(10, max_client_waiting=2)
    works = [Work(budget, 10, "busy") for _ in range(3)]
    await settled(*works)
    with pytest.raises(Overloaded):
        await budget.reserve(1, "busy")
    quiet = Work(budget, 1, "quiet")
    assert await settled(quiet) == [False]
    assert not quiet.task.done()
    for work in [*works, quiet]:
        work.task.cancel()


async def test_the_client_that_holds_least_comes_first() -> None:
    budget = MemoryBudget(10, max_client_share=0.9)
    works = [Work(budget, 3, "busy"), Work(budget, 3, "busy"), Work(budget, 3, "other")]
    behind = [Work(budget, 3, "busy"), Work(budget, 3, "quiet")]
    assert await settled(*works, *behind) == [True, True, True, False, False]
    works[2].end.set()
    assert await settled(*behind) == [False, True]


async def test_a_reservation_becomes_as_large_as_what_it_is_for() -> None:
    budget = MemoryBudget(10)
    large = await budget.reserve(10)
    waiting = Work(budget, 6)
    assert await settled(waiting) == [False]
    large.resize(4)
    assert await settled(waiting) == [True]
    large.resize(20)  # it turned out to be larger than the whole budget
    waiting.end.set()
    late = Work(budget, 1)
    assert await settled(late) == [False]
    large.release()
    large.release()
    assert await settled(late) == [True]
    late.end.set()
