import asyncio
import threading
import time
from collections.abc import Callable

import pytest
import structlog

from services.common.capacity.pool import WorkPool
from tests.support.waiting import eventually


@pytest.fixture
def pool() -> WorkPool:
    return WorkPool("test", workers=1)


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


async def test_what_the_work_logs_names_the_request_of_its_caller(pool: WorkPool) -> None:
    structlog.contextvars.bind_contextvars(request_id="answer-1")
    assert (await pool.run(structlog.contextvars.get_contextvars)).value["request_id"] == "answer-1"


async def test_exceptions_of_the_work_reach_the_caller(pool: WorkPool) -> None:
    with pytest.raises(ZeroDivisionError):
        await pool.run(lambda: 1 / 0)


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


async def test_a_pool_is_stuck_while_all_threads_are_busy_with_the_same_work() -> None:
    pool = WorkPool("test", workers=2)
    holds = [threading.Event() for _ in range(2)]
    first = asyncio.create_task(pool.run(holds[0].wait))
    await asyncio.sleep(0.05)
    assert pool.stuck_seconds == 0  # one thread is free
    second = asyncio.create_task(pool.run(holds[1].wait))
    await eventually_true(lambda: pool.stuck_seconds > 0)
    second.cancel()  # which ends no thread
    await asyncio.sleep(0)
    assert pool.stuck_seconds > 0
    holds[0].set()
    await first
    assert pool.stuck_seconds == 0
    await pool.run(lambda: None)
    assert pool.stuck_seconds == 0
    holds[1].set()


async def eventually_true(condition: Callable[[], bool]) -> None:
    async def holds() -> bool:
        return condition()

    await eventually(holds, "it")
