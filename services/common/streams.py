"""Answers a stream of requests side by side, so that a slow item holds up no other."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

Request = TypeVar("Request")
Response = TypeVar("Response")

_END = object()


async def answer_as_ready(
    requests: AsyncIterable[Request], answer: Callable[[Request], Awaitable[Response]], at_once: int
) -> AsyncIterator[Response]:
    """Yields answers in the order in which they are ready.

    At most `at_once` requests are taken at a time: whoever sends faster is held back by HTTP/2's flow control, not by
    memory. An exception of `answer` ends the stream; when the stream ends early, answers under way are cancelled.
    """
    iterator = aiter(requests)

    async def read() -> Any:
        return await anext(iterator, _END)

    async def solve(request: Request) -> Response:
        return await answer(request)

    reader: asyncio.Task[Any] | None = asyncio.create_task(read())
    answering: set[asyncio.Task[Response]] = set()
    ended = False
    try:
        while reader or answering:
            waiting: set[asyncio.Task[Any]] = {*answering, *([reader] if reader else [])}
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if reader in done:
                request = reader.result()
                reader, ended = None, request is _END
                if not ended:
                    answering.add(asyncio.create_task(solve(request)))
            for task in done & answering:
                answering.discard(task)
                yield task.result()
            if reader is None and not ended and len(answering) < at_once:
                reader = asyncio.create_task(read())
    finally:
        for task in [*answering, *([reader] if reader else [])]:
            task.cancel()
