import asyncio
from collections.abc import AsyncIterator

import pytest

from services.common.capacity.places import Client
from services.common.rpc.inbox import Arrived, Inbox, Incoming
from services.common.rpc.streams import answer_as_ready


async def numbers(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


def stream_of(numbers: AsyncIterator[int], inbox: Inbox | None = None) -> Incoming[int]:
    """A stream of numbers that hold one byte each."""

    async def arrivals() -> AsyncIterator[Arrived[int]]:
        async for number in numbers:
            yield Arrived(1, number)

    return Incoming(inbox or Inbox(1000, 1), arrivals(), Client("somebody"))


async def test_answers_come_as_they_are_ready() -> None:
    async def answer(number: int) -> int:
        await asyncio.sleep(0.1 if number == 0 else 0)
        return number

    assert [n async for n in answer_as_ready(stream_of(numbers(3)), answer, max_in_flight=3)] == [1, 2, 0]


async def test_an_empty_stream_has_no_answers() -> None:
    async def answer(number: int) -> int:
        return number

    assert [n async for n in answer_as_ready(stream_of(numbers(0)), answer, max_in_flight=3)] == []


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

    assert sorted([n async for n in answer_as_ready(stream_of(counted()), answer, max_in_flight=4)]) == list(range(50))
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
        async for _ in answer_as_ready(stream_of(numbers(2)), answer, max_in_flight=2):
            pass
    await asyncio.wait_for(cancelled.wait(), 1)


@pytest.mark.parametrize("arrival", range(6))
@pytest.mark.parametrize("pause", range(6))
async def test_an_unreadable_request_ends_the_stream_whenever_it_arrives(arrival: int, pause: int) -> None:
    """Both count rounds of the event loop: until it arrives, and between an answer and the question for the next."""

    async def requests() -> AsyncIterator[int]:
        yield 0
        for _round in range(arrival):
            await asyncio.sleep(0)
        raise ValueError("unreadable")

    async def answer(number: int) -> int:
        return number

    async def read() -> None:
        async for _ in answer_as_ready(stream_of(requests()), answer, max_in_flight=2):
            for _round in range(pause):
                await asyncio.sleep(0)

    with pytest.raises(ValueError, match="unreadable"):
        await read()


async def test_the_memory_of_an_item_is_free_when_it_is_answered_or_given_up() -> None:
    inbox = Inbox(budget_bytes=8, max_message_bytes=1)  # of which one client may hold three

    async def answer(number: int) -> int:
        return number

    async def fail(number: int) -> int:
        raise ValueError(number)

    async with asyncio.timeout(5):
        for _attempt in range(3):
            with pytest.raises(ValueError, match="0"):
                async for _ in answer_as_ready(stream_of(numbers(3), inbox), fail, max_in_flight=3):
                    pass
        answers = [n async for n in answer_as_ready(stream_of(numbers(50), inbox), answer, max_in_flight=9)]
    assert len(answers) == 50
