import asyncio
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from types import EllipsisType

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from engine.errors import ImageTooLarge
from services.common.errors import Overloaded
from services.web.config import HELD_TIMES, WebSettings
from services.web.problems import MultipartInvalid, RequestTooLarge, UploadTimeout
from services.web.uploads import reader
from services.web.uploads.reader import UploadBudget, UploadReader

LIMITS = WebSettings(_env_file=None, max_image_bytes=2048, max_request_bytes=4096, max_buffered_bytes=24_576)


class Connection:
    """Delivers the chunks of a body and counts how many were read.

    None means that the client disconnects, Ellipsis that it stops sending.
    """

    def __init__(self, chunks: Sequence[bytes | EllipsisType | None], headers: dict[str, str] | None = None) -> None:
        self.chunks_read = 0
        self._chunks = chunks
        raw = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        state = {"until_answered": ExitStack()}
        self.request = Request({"type": "http", "method": "POST", "headers": raw, "state": state}, self._receive)

    async def _receive(self) -> Message:
        chunk = self._chunks[self.chunks_read]
        self.chunks_read += 1
        if chunk is None:
            return {"type": "http.disconnect"}
        if isinstance(chunk, EllipsisType):
            await asyncio.Event().wait()
        return {"type": "http.request", "body": chunk, "more_body": self.chunks_read < len(self._chunks)}


async def test_a_raw_body_is_one_photo() -> None:
    received = await UploadReader(LIMITS).receive(Connection([b"ab", b"", b"cd"]).request, raw_allowed=True)
    (upload,) = received.files
    assert (upload.filename, upload.image) == (None, b"abcd")


async def test_a_body_whose_content_length_is_too_large_is_not_read() -> None:
    connection = Connection([b"x"] * 10, {"content-length": "2049"})
    with pytest.raises(ImageTooLarge):
        await UploadReader(LIMITS).receive(connection.request, raw_allowed=True)
    assert connection.chunks_read == 0


async def test_a_body_without_content_length_is_read_up_to_the_limit() -> None:
    connection = Connection([b"x" * 1024] * 100)
    with pytest.raises(ImageTooLarge):
        await UploadReader(LIMITS).receive(connection.request, raw_allowed=True)
    assert connection.chunks_read == 3


async def test_a_form_may_be_larger_than_one_photo_but_has_its_own_limit() -> None:
    form = {"content-type": "multipart/form-data; boundary=xyz"}
    start = b'--xyz\r\nContent-Disposition: form-data; name="file"\r\n\r\n'
    connection = Connection([start, *[b"x" * 1024] * 100], form)
    with pytest.raises(RequestTooLarge):
        await UploadReader(LIMITS).receive(connection.request, raw_allowed=True)
    assert connection.chunks_read == 5


async def test_a_raw_body_is_rejected_where_only_forms_are_allowed() -> None:
    with pytest.raises(MultipartInvalid):
        await UploadReader(LIMITS).receive(Connection([b"photo"]).request, raw_allowed=False)


async def test_a_client_that_disconnects_ends_the_reading() -> None:
    with pytest.raises(ClientDisconnect):
        await UploadReader(LIMITS).receive(Connection([b"x", None]).request, raw_allowed=True)


async def test_an_upload_that_stops_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "IDLE_TIMEOUT_SECONDS", 0.01)
    with pytest.raises(UploadTimeout):
        await UploadReader(LIMITS).receive(Connection([b"x", ...]).request, raw_allowed=True)


def test_reserved_bytes_are_freed_at_the_end() -> None:
    budget = UploadBudget(100 * HELD_TIMES)
    with budget.reservation() as reserve:
        reserve(60)
        reserve(40)
        with budget.reservation() as another, pytest.raises(Overloaded):
            another(1)
    with budget.reservation() as reserve:
        reserve(100)


def test_bytes_of_failed_requests_are_freed() -> None:
    budget = UploadBudget(100 * HELD_TIMES)
    with suppress(RuntimeError), budget.reservation() as reserve:
        reserve(90)
        raise RuntimeError
    with budget.reservation() as reserve:
        reserve(100)
