"""Takes uploads from the connection: streaming, with every limit checked before the bytes are held."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from starlette.requests import Request

from engine.errors import VergerError
from services.common.errors import Overloaded
from services.web.config import WebSettings
from services.web.problems import RequestTooLarge, UploadTimeout
from services.web.uploads.forms import FormReader, Upload, too_large

IDLE_SECONDS = 30.0
"""A client that sends nothing for so long has gone, or means no good."""


@dataclass(frozen=True)
class Received:
    """What a request brought: photos in their order, and the other fields of its form."""

    files: Sequence[Upload]
    fields: Mapping[str, str] = field(default_factory=dict)


class UploadMemory:
    """Bounds the bytes of photos that wait for their answers, over all requests."""

    def __init__(self, limit: int) -> None:
        self._free = limit

    @contextmanager
    def lease(self) -> Iterator[Callable[[int], None]]:
        """Gives one request a function to call before it holds so many bytes; takes all of them back at the end.

        The function raises Overloaded when all requests together would hold too many.
        """
        held = 0

        def keep(size: int) -> None:
            nonlocal held
            if size > self._free:
                raise Overloaded("Too many photos are being sent at once. Wait a second, then send the request again.")
            self._free -= size
            held += size

        try:
            yield keep
        finally:
            self._free += held


class UploadReader:
    """Reads the bodies of requests."""

    def __init__(self, settings: WebSettings) -> None:
        self._settings = settings
        self._memory = UploadMemory(settings.max_buffered_bytes)

    @asynccontextmanager
    async def received(self, request: Request, *, raw_allowed: bool) -> AsyncIterator[Received]:
        """Reads a form, or where raw_allowed any other body as one photo, and holds it until the block ends.

        Raises:
            VergerError: ImageTooLarge, RequestTooLarge, TooManyFiles, MultipartInvalid, UploadTimeout, Overloaded.
        """
        content_type = request.headers.get("content-type", "")
        with self._memory.lease() as keep:
            if raw_allowed and not content_type.lower().startswith("multipart/"):
                yield await self._read_raw(request, keep)
            else:
                yield await self._read_form(request, content_type, keep)

    async def _read_raw(self, request: Request, keep: Callable[[int], None]) -> Received:
        limit = self._settings.max_image_bytes
        chunks: list[bytes] = []

        def take(chunk: bytes) -> None:
            keep(len(chunk))
            chunks.append(chunk)

        await _read(request, limit, too_large(limit), take)
        return Received([Upload(None, b"".join(chunks))])

    async def _read_form(self, request: Request, content_type: str, keep: Callable[[int], None]) -> Received:
        settings = self._settings
        reader = FormReader(content_type, settings.max_files_per_request, settings.max_image_bytes, keep)
        limit = settings.max_request_bytes
        error = RequestTooLarge(f"The request has more than {limit:,} bytes. Send the photos in several requests.")
        await _read(request, limit, error, reader.write)
        reader.finish()
        return Received(reader.files, reader.fields)


async def _read(request: Request, limit: int, too_large: VergerError, take: Callable[[bytes], None]) -> None:
    """Hands over the body as it arrives, at most `limit` bytes of it; one that says it is longer is not read at all."""
    if int(request.headers.get("content-length", 0)) > limit:
        raise too_large
    size, now = 0, asyncio.get_running_loop().time
    try:
        async with asyncio.timeout(IDLE_SECONDS) as idle:
            async for chunk in request.stream():
                size += len(chunk)
                if size > limit:
                    raise too_large
                take(chunk)
                idle.reschedule(now() + IDLE_SECONDS)
    except TimeoutError:
        raise UploadTimeout(f"Nothing arrived for {IDLE_SECONDS:g} s. Send the photo again.") from None
