"""Classifies the photos of one request, for the page and the APIs alike."""

import asyncio
from collections.abc import Sequence

from starlette.requests import ClientDisconnect, Request
from verger.v1 import classifier_pb2, collection_pb2

from engine.errors import VergerError
from services.web.access import count_rest
from services.web.preprocess_client import PreprocessClient, Wanted
from services.web.state import State, state_of
from services.web.uploads.forms import Upload

MAX_CONCURRENT_PHOTOS = 4
"""Most photos of one request that are classified at a time, so that one client does not take all of the capacity."""

Outcome = classifier_pb2.ClassifyResponse | VergerError


async def answer_all(
    request: Request, preprocess: PreprocessClient, uploads: Sequence[Upload], wanted: Wanted
) -> list[Outcome]:
    """Classifies the photos of a request whose body has been read; returns one outcome for each, in the same order.

    Raises:
        ClientDisconnect: the client has closed the connection. All calls for this request are cancelled.
    """
    slots = asyncio.Semaphore(MAX_CONCURRENT_PHOTOS)
    user = request.client.host if request.client else ""

    async def answer(upload: Upload) -> Outcome:
        if upload.error is not None:
            return upload.error
        try:
            async with slots:
                return await preprocess.classify(upload.image, request.state.request_id, wanted, user)
        except VergerError as error:
            return error

    tasks = [asyncio.create_task(answer(upload)) for upload in uploads]
    answers = asyncio.gather(*tasks)
    disconnected = asyncio.ensure_future(request.receive())  # after the body, ASGI sends nothing but the disconnect
    disconnected.add_done_callback(lambda _: answers.cancel())
    try:
        return await answers
    except asyncio.CancelledError:
        if disconnected.done():
            raise ClientDisconnect from None
        raise
    finally:
        for task in (disconnected, *tasks):  # if a bug fails one photo, the others are not needed any more
            task.cancel()


async def answer_program(request: Request, uploads: Sequence[Upload], wanted: Wanted) -> list[Outcome]:
    """Counts the photos that a program has sent, classifies them, and keeps a lone one where all are kept.

    Raises:
        QuotaExceeded, QuotaTooSmall: they are too many.
        ClientDisconnect: as answer_all.
    """
    state = state_of(request)
    if state.quotas:
        await count_rest(state.quotas, request, uploads)
    outcomes = await answer_all(request, state.preprocess, uploads, wanted)
    _keep(uploads, outcomes, state)
    return outcomes


def _keep(uploads: Sequence[Upload], outcomes: Sequence[Outcome], state: State) -> None:
    """Begins to keep a request's only photo where all are kept. Several would have the same id."""
    if state.collector is None or state.settings.keep_photos != "always" or len(uploads) != 1:
        return
    if isinstance(outcomes[0], classifier_pb2.ClassifyResponse):
        state.collector.keep(uploads[0].image, outcomes[0], collection_pb2.PHOTO_SOURCE_REST)
