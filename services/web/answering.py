"""From uploads to answers, for page and API alike: several photos at a time, and not a moment longer than wanted."""

import asyncio
from collections.abc import Sequence

from starlette.requests import ClientDisconnect, Request
from verger.v1 import classifier_pb2

from engine.errors import VergerError
from services.web.preprocess_client import Classifier
from services.web.uploads.forms import Upload

PHOTOS_AT_ONCE = 4
"""Of one request. Enough to keep a few cores busy, few enough to leave places for the other clients."""

Outcome = classifier_pb2.ClassifyResponse | VergerError


async def answer_all(
    request: Request, classifier: Classifier, uploads: Sequence[Upload], request_id: str, *, include_evidence: bool
) -> list[Outcome]:
    """Classifies the photos of a request whose body has been read; one outcome each, in their order.

    Raises:
        ClientDisconnect: the client has gone. What it asked for is cancelled, down to the last service.
    """
    places = asyncio.Semaphore(PHOTOS_AT_ONCE)

    async def answer(upload: Upload) -> Outcome:
        if upload.error is not None:
            return upload.error
        try:
            async with places:
                return await classifier.classify(upload.image, request_id, include_evidence=include_evidence)
        except VergerError as error:
            return error

    tasks = [asyncio.create_task(answer(upload)) for upload in uploads]
    answers = asyncio.gather(*tasks)
    gone = asyncio.ensure_future(request.receive())  # after its body, all that a request can bring is its end
    gone.add_done_callback(lambda _: answers.cancel())
    try:
        return await answers
    except asyncio.CancelledError:
        if gone.done():
            raise ClientDisconnect from None
        raise
    finally:
        for task in (gone, *tasks):  # when one photo failed by a fault of ours, nobody waits for the others
            task.cancel()
