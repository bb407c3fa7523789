import asyncio
from collections.abc import AsyncIterator

import pytest

from services.common.rpc.streams import answer_as_ready


async def numbers(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


async def test_answers_come_as_they_are_ready() -> None:
    async def answer(number: int) -> int:
        await asyncio.sleep(0.1 if number == 0 else 0)
        return number

    assert [n async for n in answer_as_ready(numbers(3), answer, max_in_flight=3)] == [1, 2, 0]


async def test_an_empty_stream_has_no_answers() -> None:
    async def answer(number: int) -> int:
        return number

    assert [n async for n in answer_as_ready(numbers(0), answer, max_in_flight=3)] == []


async def test_requests_are_read_only_as_fast_as_they_are_answered() -> None:
    read, max_waiting, answered = 0, 0, 0

    async def counted() -> AsyncIterator[int]:
        nonlocal read, max_waiting
        async for number in numbers(50):
            read += 1
            max_waiting = max(max_waiting, read - answered)
            yield number

    async def answer(number: int) -> int:
        nonlocal answered
        await asyncio.sleep(0.001)
        answered += 1
        return number

    assert sorted([n async for n in answer_as_ready(counted(), answer, max_in_flight=4)]) == list(range(50))
    assert max_waiting <= 4


async def test_an_exception_ends_the_stream_and_cancels_answers_in_progress() -> None:
    cancelled = asyncio.Event()

    async def answer(number: int) -> int:
        if number == 1:
            raise ValueError("second")
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return number

    with pytest.raises(ValueError, match="second"):
        async for _ in answer_as_ready(numbers(2), answer, max_in_flight=2):
            pass
    await asyncio.wait_for(cancelled.wait(), 1)
