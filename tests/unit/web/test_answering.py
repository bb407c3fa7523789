import asyncio

import pytest
from starlette.requests import Request
from verger.v1 import classifier_pb2

from services.web.answering import answer_all
from services.web.preprocess_client import Classifier
from services.web.uploads.forms import Upload


class Faulty(Classifier):
    """Fails at one photo, as a bug would make it, while another is under way."""

    def __init__(self) -> None:
        self.under_way, self.cancelled = asyncio.Event(), asyncio.Event()

    async def classify(
        self, image: bytes, request_id: str, *, include_evidence: bool
    ) -> classifier_pb2.ClassifyResponse:
        if image == b"fails":
            await self.under_way.wait()
            raise ZeroDivisionError
        self.under_way.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        raise AssertionError


async def test_a_fault_at_one_photo_ends_the_others() -> None:
    classifier = Faulty()
    request = Request({"type": "http"}, receive=asyncio.Event().wait)
    uploads = [Upload("one", b"fails"), Upload("two", b"waits")]
    with pytest.raises(ZeroDivisionError):
        await answer_all(request, classifier, uploads, "id", include_evidence=False)
    await asyncio.wait_for(classifier.cancelled.wait(), 1)
