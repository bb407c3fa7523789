import asyncio
import threading
import time

import pytest

from services.common.errors import Overloaded
from services.common.process.pool import WorkPool


@pytest.fixture
def pool() -> WorkPool:
    return WorkPool("test", workers=1, max_in_flight=2)


async def test_work_runs_beside_the_event_loop(pool: WorkPool) -> None:
    result = await pool.run(threading.get_ident)
    assert result.value != threading.get_ident()
    assert result.queue_ms >= 0
    assert result.work_ms >= 0


async def test_waiting_time_and_working_time_are_measured_separately(pool: WorkPool) -> None:
    slow = asyncio.create_task(pool.run(lambda: time.sleep(0.2)))
    await asyncio.sleep(0)
    behind = await pool.run(lambda: None)
    assert behind.queue_ms > 100
    assert behind.work_ms < behind.queue_ms
    assert (await slow).work_ms > 150


async def test_exceptions_of_the_work_reach_the_caller(pool: WorkPool) -> None:
    with pytest.raises(ZeroDivisionError):
        await pool.run(lambda: 1 / 0)


async def test_a_call_is_refused_at_once_when_no_slot_is_free(pool: WorkPool) -> None:
    async with pool.slot(), pool.slot():
        with pytest.raises(Overloaded) as refusal:
            async with pool.slot():
                pass
    assert refusal.value.retry_after_seconds
    async with pool.slot():
        pass


async def test_an_item_of_a_stream_waits_for_a_slot(pool: WorkPool) -> None:
    async def item() -> str:
        async with pool.slot(wait=True):
            return "answered"

    async with pool.slot():
        async with pool.slot():
            waiting = asyncio.create_task(item())
            await asyncio.sleep(0.05)
            assert not waiting.done()
        assert await waiting == "answered"


async def test_cancelled_work_that_has_not_started_never_runs(pool: WorkPool) -> None:
    ran = threading.Event()
    hold = threading.Event()
    first = asyncio.create_task(pool.run(hold.wait))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(pool.run(ran.set))
    await asyncio.sleep(0.05)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    hold.set()
    await first
    await pool.run(lambda: None)
    assert not ran.is_set()


async def test_a_pool_is_idle_before_and_after_work(pool: WorkPool) -> None:
    assert pool.is_idle
    hold = threading.Event()
    running = asyncio.create_task(pool.run(hold.wait))
    waiting = asyncio.create_task(pool.run(lambda: 1 / 0))
    await asyncio.sleep(0)
    assert not pool.is_idle
    hold.set()
    await running
    with pytest.raises(ZeroDivisionError):
        await waiting
    assert pool.is_idle
