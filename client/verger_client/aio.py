"""The client for asyncio."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from verger_client.address import parse_address
from verger_client.answers import Answer, Description, Result
from verger_client.attempts import Attempts
from verger_client.client import DEFAULT_ADDRESS, DEFAULT_CONCURRENCY, DEFAULT_TIMEOUT_SECONDS
from verger_client.errors import TemporaryError, VergerError
from verger_client.grpc_wire import AsyncGrpcStream, AsyncGrpcWire
from verger_client.messages import Options
from verger_client.photos import Photo, encoded
from verger_client.rest_wire import AsyncRestWire

P = TypeVar("P", bound=Photo)


class AsyncClient:
    """Does what Client does, for asyncio. It belongs to the event loop that it was made in."""

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        *,
        key: str | None = None,
        ca_file: str | Path | None = None,
        timeout: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> None:
        """Prepares a connection; see Client."""
        place = parse_address(address, ca_file)
        self._wire: AsyncGrpcWire | AsyncRestWire = (
            AsyncGrpcWire(place, key) if place.is_grpc else AsyncRestWire(place, key)
        )
        self._timeout = timeout

    async def classify(
        self,
        photo: Photo,
        *,
        top_k: int = 0,
        evidence: bool = False,
        request_id: str = "",
        timeout: float | None = None,
    ) -> Answer:
        """Classifies one photo; see Client.classify."""
        attempts, options = Attempts(timeout or self._timeout), Options(top_k, evidence)
        image = await asyncio.to_thread(encoded, photo)
        while True:
            try:
                return await self._wire.classify(image, options, request_id, attempts.left)
            except TemporaryError as error:
                await asyncio.sleep(attempts.pause_after(error))

    async def classify_many(
        self,
        photos: Iterable[P] | AsyncIterable[P],
        *,
        concurrency: int = DEFAULT_CONCURRENCY,
        top_k: int = 0,
        evidence: bool = False,
        timeout: float | None = None,
    ) -> AsyncIterator[Result]:
        """Classifies photos side by side; see Client.classify_many."""
        options, seconds = Options(top_k, evidence), timeout or self._timeout
        source = photos if isinstance(photos, AsyncIterable) else _each(photos)
        if isinstance(self._wire, AsyncGrpcWire):
            results = self._streamed(self._wire, source, concurrency, options, seconds)
        else:
            results = self._in_tasks(source, concurrency, options, seconds)
        async for result in results:
            yield result

    async def describe(self, *, timeout: float | None = None) -> Description:
        """Describes the live version; see Client.describe."""
        attempts = Attempts(timeout or self._timeout)
        while True:
            try:
                return await self._wire.describe(attempts.left)
            except TemporaryError as error:
                await asyncio.sleep(attempts.pause_after(error))

    async def close(self) -> None:
        """Closes the connection."""
        await self._wire.close()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def _result(self, photo: P, options: Options, timeout: float) -> Result:
        """Classifies one photo by itself."""
        try:
            answer = await self.classify(photo, top_k=options.top_k, evidence=options.evidence, timeout=timeout)
        except VergerError as error:
            return Result(photo, error=error)
        return Result(photo, answer)

    async def _streamed(
        self, wire: AsyncGrpcWire, photos: AsyncIterable[P], concurrency: int, options: Options, timeout: float
    ) -> AsyncIterator[Result]:
        """Sends what the stream could not answer, for now, once more by itself."""
        stream: AsyncGrpcStream | None = None
        waiting: dict[str, P] = {}
        source = aiter(photos)
        try:
            while True:
                while len(waiting) < concurrency:
                    try:
                        photo = await anext(source)
                    except StopAsyncIteration:
                        break
                    try:
                        image = await asyncio.to_thread(encoded, photo)
                    except VergerError as error:
                        yield Result(photo, error=error)
                        continue
                    stream = stream or wire.stream(options)
                    waiting[await stream.send(image)] = photo
                if stream is None or not waiting:
                    return
                try:
                    request_id, outcome = await stream.receive(timeout)
                except VergerError:
                    stream.close()
                    broken, waiting, stream = waiting, {}, None
                    for photo in broken.values():
                        yield await self._result(photo, options, timeout)
                    continue
                yield await self._settled(waiting.pop(request_id), outcome, options, timeout)
        finally:
            if stream:
                stream.close()

    async def _settled(self, photo: P, outcome: Answer | VergerError, options: Options, timeout: float) -> Result:
        if isinstance(outcome, TemporaryError):
            return await self._result(photo, options, timeout)
        return Result(photo, error=outcome) if isinstance(outcome, VergerError) else Result(photo, outcome)

    async def _in_tasks(
        self, photos: AsyncIterable[P], concurrency: int, options: Options, timeout: float
    ) -> AsyncIterator[Result]:
        waiting: set[asyncio.Task[Result]] = set()
        try:
            async for photo in photos:
                waiting.add(asyncio.create_task(self._result(photo, options, timeout)))
                if len(waiting) >= concurrency:
                    done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        yield task.result()
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    yield task.result()
        finally:
            for task in waiting:
                task.cancel()


async def _each(photos: Iterable[P]) -> AsyncIterator[P]:
    for photo in photos:
        yield photo
