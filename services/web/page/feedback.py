"""Keeping photos and saying whether answers are right, on the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import Request
from verger.v1 import classifier_pb2, collection_pb2

from engine.contract import display_name
from engine.errors import VergerError
from services.web.feedback import collector_of, feedback_of, take
from services.web.page.presentation import ClassView
from services.web.page.sign_in import visitor_of
from services.web.state import state_of
from services.web.uploads.forms import Upload
from services.web.uploads.reader import Received

KEEP_FIELD = "keep"
"""Form field of the box by which a visitor says yes."""


@dataclass(frozen=True)
class Keeping:
    """How photos are kept here. asks: whether there is a box, or all are; days: for how long."""

    asks: bool
    days: int


@dataclass(frozen=True)
class FeedbackView:
    """The question whether an answer is right.

    answer: its id; classes: all that may be named; form_token: what the form carries, where visitors sign in; keeping:
    what is said of keeping the photo; None where it is kept already.
    """

    answer: str
    classes: Sequence[ClassView]
    form_token: str | None
    keeping: Keeping | None


async def keeping_of(request: Request) -> Keeping | None:
    """Returns how photos of this visitor are kept; None if they are not."""
    state = state_of(request)
    if state.collector is None:
        return None
    if state.gate:
        visitor = await visitor_of(request)
        if visitor is None or not visitor.may_give:
            return None
    return Keeping(state.settings.keep_photos == "ask", state.settings.collection_days)


async def give_and_ask(
    request: Request, upload: Upload, response: classifier_pb2.ClassifyResponse, fields: Mapping[str, str]
) -> FeedbackView | None:
    """Begins to keep a photo if it may be kept. Returns the question about its answer; None if none may be asked."""
    keeping = await keeping_of(request)
    if keeping is None:
        return None
    state = state_of(request)
    is_kept = not keeping.asks or fields.get(KEEP_FIELD) == "yes"
    if is_kept:
        is_kept = collector_of(request).keep(upload.image, response, collection_pb2.PHOTO_SOURCE_PAGE)
    classes = await state.preprocess.classes_of(response.classification)
    language = state.renderer.catalog_for(request).tag
    visitor = await visitor_of(request)
    return FeedbackView(
        answer=response.request_id,
        classes=[ClassView(info.label, display_name(info, language)) for info in classes],
        form_token=visitor.form_token if visitor else None,
        keeping=None if is_kept else keeping,
    )


async def note(request: Request, received: Received) -> bool:
    """Notes what a visitor says. Returns whether there is a photo to learn from.

    Raises:
        VergerError: it could not be noted.
    """
    said = feedback_of(received.fields)
    keeping = await keeping_of(request)
    is_given = keeping is not None and (not keeping.asks or received.fields.get(KEEP_FIELD) == "yes")
    photo = received.files[0] if received.files and is_given else None
    try:
        await take(request, said, photo, collection_pb2.PHOTO_SOURCE_PAGE)
    except VergerError as error:
        if error.reason != "ANSWER_UNKNOWN":
            raise
        return False
    return True
