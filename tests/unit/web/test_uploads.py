import asyncio
from collections.abc import Sequence
from contextlib import suppress
from types import EllipsisType

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from engine.errors import ImageTooLarge
from services.common.errors import Overloaded
from services.web.config import WebSettings
from services.web.problems import MultipartInvalid, RequestTooLarge, UploadTimeout
from services.web.uploads import reader as uploads
from services.web.uploads.reader import UploadMemory, UploadReader

LIMITS = WebSettings(_env_file=None, max_image_bytes=2048, max_request_bytes=4096, max_buffered_bytes=8192)


class Connection:
    """Gives the pieces of a body, and counts those that were asked for.

    None is a client that leaves, Ellipsis one that stays and sends nothing.
    """

    def __init__(self, pieces: Sequence[bytes | EllipsisType | None], headers: dict[str, str] | None = None) -> None:
        self.taken = 0
        self._pieces = pieces
        raw = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        self.request = Request({"type": "http", "method": "POST", "headers": raw}, self._receive)

    async def _receive(self) -> Message:
        piece = self._pieces[self.taken]
        self.taken += 1
        if piece is None:
            return {"type": "http.disconnect"}
        if isinstance(piece, EllipsisType):
            await asyncio.Event().wait()
        return {"type": "http.request", "body": piece, "more_body": self.taken < len(self._pieces)}


async def test_a_raw_body_is_one_photo() -> None:
    async with UploadReader(LIMITS).received(Connection([b"ab", b"", b"cd"]).request, raw_allowed=True) as received:
        (upload,) = received.files
        assert (upload.filename, upload.image) == (None, b"abcd")


async def test_a_body_that_says_it_is_too_long_is_not_read() -> None:
    connection = Connection([b"x"] * 10, {"content-length": "2049"})
    with pytest.raises(ImageTooLarge):
        async with UploadReader(LIMITS).received(connection.request, raw_allowed=True):
            pass
    assert connection.taken == 0


async def test_a_body_that_does_not_say_how_long_it_is_is_read_up_to_the_limit() -> None:
    connection = Connection([b"x" * 1024] * 100)
    with pytest.raises(ImageTooLarge):
        async with UploadReader(LIMITS).received(connection.request, raw_allowed=True):
            pass
    assert connection.taken == 3


async def test_a_form_may_be_longer_than_a_photo_but_not_endless() -> None:
    form = {"content-type": "multipart/form-data; boundary=xyz"}
    start = b'--xyz\r\nContent-Disposition: form-data; name="file"\r\n\r\n'
    connection = Connection([start, *[b"x" * 1024] * 100], form)
    with pytest.raises(RequestTooLarge):
        async with UploadReader(LIMITS).received(connection.request, raw_allowed=True):
            pass
    assert connection.taken == 5


async def test_where_a_form_is_wanted_nothing_else_will_do() -> None:
    with pytest.raises(MultipartInvalid):
        async with UploadReader(LIMITS).received(Connection([b"photo"]).request, raw_allowed=False):
            pass


async def test_a_client_that_leaves_is_no_error() -> None:
    with pytest.raises(ClientDisconnect):
        async with UploadReader(LIMITS).received(Connection([b"x", None]).request, raw_allowed=True):
            pass


async def test_a_client_that_stops_sending_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "IDLE_SECONDS", 0.01)
    with pytest.raises(UploadTimeout):
        async with UploadReader(LIMITS).received(Connection([b"x", ...]).request, raw_allowed=True):
            pass


def test_memory_is_lent_and_taken_back() -> None:
    memory = UploadMemory(100)
    with memory.lease() as keep:
        keep(60)
        keep(40)
        with memory.lease() as another, pytest.raises(Overloaded):
            another(1)
    with memory.lease() as keep:
        keep(100)


def test_memory_comes_back_from_failed_requests() -> None:
    memory = UploadMemory(100)
    with suppress(RuntimeError), memory.lease() as keep:
        keep(90)
        raise RuntimeError
    with memory.lease() as keep:
        keep(100)
