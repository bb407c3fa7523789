"""Reads uploads from the connection as a stream, and checks every limit before it stores the bytes."""

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from starlette.requests import Request

from engine.errors import ImageFormatUnsupported, VergerError
from services.common.errors import Overloaded
from services.web.config import HELD_TIMES, WebSettings
from services.web.problems import RequestTooLarge, UploadTimeout
from services.web.uploads.encodings import ENCODING_HEADERS, check_encodings, text
from services.web.uploads.forms import FormReader, Upload, too_large

_JSON = re.compile(r"\s*[^;]*[/+]json\s*(;|$)", re.IGNORECASE)

IDLE_TIMEOUT_SECONDS = 30.0
"""Idle timeout of an upload, in seconds."""


MAX_FIELDS_BYTES = 8 * 1024
"""Most bytes of a form without photos."""


@dataclass(frozen=True)
class Received:
    """The content of a request: its photos in their order, and the other fields of its form."""

    files: Sequence[Upload]
    fields: Mapping[str, str] = field(default_factory=dict)


class UploadBudget:
    """Limits how many bytes photos take in memory at a time, over all requests. Each counts HELD_TIMES its size."""

    def __init__(self, max_bytes: int) -> None:
        self._free = max_bytes

    @contextmanager
    def reservation(self) -> Iterator[Callable[[int], None]]:
        """Yields a function that reserves a number of bytes for one request; frees all of them at the end.

        The function raises Overloaded if all requests together would exceed the limit.
        """
        reserved = 0

        def reserve(size: int) -> None:
            nonlocal reserved
            size *= HELD_TIMES
            if size > self._free:
                raise Overloaded("Too many photos are being sent at once. Wait a second, then send the request again.")
            self._free -= size
            reserved += size

        try:
            yield reserve
        finally:
            self._free += reserved


class UploadReader:
    """Reads the photos of requests."""

    def __init__(self, settings: WebSettings) -> None:
        self._settings = settings
        self._budget = UploadBudget(settings.max_buffered_bytes)

    async def receive(self, request: Request, *, raw_allowed: bool) -> Received:
        """Reads a form, or with raw_allowed any other body as one photo. Its bytes count until the answer is sent.

        Raises:
            VergerError: ImageTooLarge, RequestTooLarge, TooManyFiles, MultipartInvalid, UploadTimeout, Overloaded,
                ContentEncodingUnsupported, ImageFormatUnsupported.
        """
        check_encodings(text(value) for name, value in request.headers.raw if name in ENCODING_HEADERS)
        content_type = request.headers.get("content-type", "")
        if raw_allowed and _JSON.match(content_type):
            raise ImageFormatUnsupported(
                "The body is JSON. Send the bytes of the photo as the body, or a form with the field “file”."
            )
        reserve = request.state.until_answered.enter_context(self._budget.reservation())
        if raw_allowed and not content_type.lower().startswith("multipart/"):
            return await self._read_raw(request, reserve)
        return await self._read_form(request, content_type, reserve)

    async def receive_body(self, request: Request) -> bytes:
        """Reads a body of any content. Its bytes count until the answer is sent.

        Raises:
            VergerError: RequestTooLarge, UploadTimeout, Overloaded, ContentEncodingUnsupported.
        """
        check_encodings(text(value) for name, value in request.headers.raw if name in ENCODING_HEADERS)
        reserve, chunks = request.state.until_answered.enter_context(self._budget.reservation()), list[bytes]()

        def take(chunk: bytes) -> None:
            reserve(len(chunk))
            chunks.append(chunk)

        await _read(request, self._settings.max_request_bytes, self._request_too_large(), take)
        return b"".join(chunks)

    def _request_too_large(self) -> RequestTooLarge:
        return RequestTooLarge(
            f"The request has more than {self._settings.max_request_bytes:,} bytes, which is the limit. "
            "Send the photos in several requests."
        )

    async def _read_raw(self, request: Request, reserve: Callable[[int], None]) -> Received:
        limit = self._settings.max_image_bytes
        chunks: list[bytes] = []

        def take(chunk: bytes) -> None:
            reserve(len(chunk))
            chunks.append(chunk)

        await _read(request, limit, too_large(limit), take)
        return Received([Upload(None, b"".join(chunks))])

    async def _read_form(self, request: Request, content_type: str, reserve: Callable[[int], None]) -> Received:
        settings = self._settings
        reader = FormReader(content_type, settings.max_files_per_request, settings.max_image_bytes, reserve)
        await _read(request, settings.max_request_bytes, self._request_too_large(), reader.write)
        reader.finish()
        return Received(reader.files, reader.fields)


async def receive_fields(request: Request) -> Mapping[str, str]:
    """Reads a form without photos (application/x-www-form-urlencoded).

    Raises:
        VergerError: RequestTooLarge, UploadTimeout.
    """
    return dict(await receive_pairs(request, MAX_FIELDS_BYTES))


async def receive_pairs(request: Request, max_bytes: int) -> Sequence[tuple[str, str]]:
    """Reads a form without photos whose fields may have several values.

    Raises:
        VergerError: RequestTooLarge, UploadTimeout.
    """
    chunks: list[bytes] = []
    error = RequestTooLarge(f"The form has more than {max_bytes:,} bytes, which is the limit.")
    await _read(request, max_bytes, error, chunks.append)
    return parse_qsl(b"".join(chunks).decode(errors="replace"))


async def _read(request: Request, limit: int, error: VergerError, take: Callable[[bytes], None]) -> None:
    """Passes the body to `take` in chunks. Raises `error` if it has, or announces, more than `limit` bytes."""
    if int(request.headers.get("content-length", 0)) > limit:
        raise error
    size, now = 0, asyncio.get_running_loop().time
    try:
        async with asyncio.timeout(IDLE_TIMEOUT_SECONDS) as idle:
            async for chunk in request.stream():
                size += len(chunk)
                if size > limit:
                    raise error
                take(chunk)
                idle.reschedule(now() + IDLE_TIMEOUT_SECONDS)
    except TimeoutError:
        raise UploadTimeout(f"No data arrived for {IDLE_TIMEOUT_SECONDS:g} s. Send the photo again.") from None
