import asyncio

import pytest
from starlette.requests import Request
from verger.v1 import classifier_pb2

from services.web.answering import answer_all
from services.web.preprocess_client import PreprocessClient, Wanted
from services.web.uploads.forms import Upload


class FailingClient(PreprocessClient):
    """Raises at one photo, as a bug would, while the call for another is in flight."""

    def __init__(self) -> None:
        self.in_flight, self.cancelled = asyncio.Event(), asyncio.Event()

    async def classify(
        self, image: bytes, request_id: str, wanted: Wanted, user: str = ""
    ) -> classifier_pb2.ClassifyResponse:
        if image == b"fails":
            await self.in_flight.wait()
            raise ZeroDivisionError
        self.in_flight.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        raise AssertionError


async def test_a_bug_at_one_photo_cancels_the_calls_for_the_others() -> None:
    preprocess = FailingClient()
    request = Request({"type": "http", "state": {"request_id": "id"}}, receive=asyncio.Event().wait)
    uploads = [Upload("one", b"fails"), Upload("two", b"waits")]
    with pytest.raises(ZeroDivisionError):
        await answer_all(request, preprocess, uploads, Wanted())
    await asyncio.wait_for(preprocess.cancelled.wait(), 1)
