"""Answers the requests of a stream concurrently, so that a slow item delays no other item."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from services.common.capacity.budget import Reservation
from services.common.rpc.inbox import Incoming

Request = TypeVar("Request")
Response = TypeVar("Response")


async def answer_as_ready(
    requests: Incoming[Request], answer: Callable[[Request], Coroutine[Any, Any, Response]], max_in_flight: int
) -> AsyncIterator[Response]:
    """Yields answers in the order in which they are ready.

    At most `max_in_flight` requests are read ahead of their answers, so that HTTP/2 flow control holds back a faster
    sender. The memory of a request is released when it is answered. An exception of `answer` or of `requests` ends the
    stream. When the stream ends early, answers in progress are cancelled.
    """
    slots = asyncio.Semaphore(max_in_flight)
    answering: set[asyncio.Task[Response]] = set()
    ready = asyncio.Queue[asyncio.Task[Any]]()

    def is_ready(memory: Reservation, task: asyncio.Task[Response]) -> None:
        memory.release()
        answering.discard(task)
        ready.put_nowait(task)

    async def read_all() -> None:
        await slots.acquire()
        async for request in requests:
            task = asyncio.create_task(answer(request))
            del request  # frees it as soon as it is answered, even when no further one comes
            answering.add(task)
            task.add_done_callback(partial(is_ready, requests.hold()))
            await slots.acquire()

    reading = asyncio.create_task(read_all())
    reading.add_done_callback(ready.put_nowait)
    try:
        while answering or not (reading.done() and ready.empty()):
            task = await ready.get()
            result = task.result()
            if task is not reading:
                yield result
                slots.release()
        reading.result()  # raises its error if it ended between the last answer and the end of the loop
    finally:
        for task in (reading, *answering):
            task.cancel()
