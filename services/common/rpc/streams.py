"""Answers a stream of requests side by side, so that a slow item holds up no other."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine
from typing import Any, TypeVar

Request = TypeVar("Request")
Response = TypeVar("Response")


async def answer_as_ready(
    requests: AsyncIterable[Request], answer: Callable[[Request], Coroutine[Any, Any, Response]], at_once: int
) -> AsyncIterator[Response]:
    """Yields answers in the order in which they are ready.

    At most `at_once` requests are taken at a time: whoever sends faster is held back by HTTP/2's flow control, not by
    memory. An exception of `answer` ends the stream; when the stream ends early, answers under way are cancelled.
    """
    places = asyncio.Semaphore(at_once)
    answering: set[asyncio.Task[Response]] = set()
    ready = asyncio.Queue[asyncio.Task[Any]]()

    def is_ready(task: asyncio.Task[Response]) -> None:
        answering.discard(task)
        ready.put_nowait(task)

    async def take_all() -> None:
        await places.acquire()
        async for request in requests:
            task = asyncio.create_task(answer(request))
            answering.add(task)
            task.add_done_callback(is_ready)
            await places.acquire()

    taking = asyncio.create_task(take_all())
    taking.add_done_callback(ready.put_nowait)
    try:
        while answering or not (taking.done() and ready.empty()):
            task = await ready.get()
            result = task.result()
            if task is not taking:
                yield result
                places.release()
    finally:
        for task in (taking, *answering):
            task.cancel()
