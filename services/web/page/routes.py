"""The routes of the page: the form, the answer to a photo, and the error page."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from verger.v1 import classifier_pb2

from engine.errors import VergerError
from services.access.keys import Scope
from services.web.access import confirm, count_rest, reviews_openly
from services.web.answering import answer_all
from services.web.page.feedback import FeedbackView, give_and_ask, keeping_of, note
from services.web.page.presentation import (
    AnswerView,
    ErrorView,
    data_uri,
    samples_for,
    view_absence,
    view_answer,
    view_error,
    view_model,
)
from services.web.page.programs import Place, Programs, programs_for
from services.web.page.samples import sample_bytes, sample_keys
from services.web.page.sign_in import visitor_of
from services.web.preprocess_client import Wanted
from services.web.problems import FileMissing, NotFound, headers_of
from services.web.state import state_of
from services.web.uploads.forms import Upload
from services.web.uploads.reader import Received

router = APIRouter(include_in_schema=False)

FRAGMENT_HEADER = "X-Fragment"
"""Header with which the page's script asks for the answer or error alone, without the rest of the page."""


@router.get("/")
async def home(request: Request) -> Response:
    """Shows the form."""
    return await _page(request)


@router.post("/predict")
async def predict(request: Request) -> Response:
    """Classifies the photo in the form field `file`, or the sample picture whose key is in the field `sample`."""
    state = state_of(request)
    received = await state.uploads.receive(request, raw_allowed=False)
    if state.gate:
        await confirm(state.gate, request, received.fields)
    if state.quotas:
        await count_rest(state.quotas, request, received.files)
    upload, sample = _chosen(received)
    started = time.perf_counter()
    (outcome,) = await answer_all(request, state.preprocess, [upload], Wanted(evidence=True))
    total_ms = (time.perf_counter() - started) * 1e3
    if isinstance(outcome, VergerError):
        return await error_page(request, outcome, upload)
    answer = await _view(request, outcome, total_ms)
    feedback = None if sample else await give_and_ask(request, upload, outcome, received.fields)
    programs = None if sample else _programs(request, upload)
    shown: dict[str, Any] = {"answer": answer, "sample": sample, "feedback": feedback, "programs": programs}
    if FRAGMENT_HEADER in request.headers:
        return state.renderer.render(request, "_answer.html", **shown)
    photo = None if sample else data_uri(upload.image)
    return await _page(request, **shown | {"answer": replace(answer, photo=photo)})


@router.post("/feedback")
async def feedback(request: Request) -> Response:
    """Notes what a visitor says of an answer, with the photo if the form contains it and the box is ticked."""
    state = state_of(request)
    received = await state.uploads.receive(request, raw_allowed=False)
    if state.gate:
        await confirm(state.gate, request, received.fields)
    if state.quotas:
        await count_rest(state.quotas, request, received.files)
    is_kept = await note(request, received)
    if FRAGMENT_HEADER in request.headers:
        return state.renderer.render(request, "_thanks.html", is_kept=is_kept)
    return await _page(request, thanks=True, is_kept=is_kept)


@router.get("/feedback")
@router.get("/predict")
async def redirect_to_form(_: Request) -> Response:
    """Redirects to the form: this is the address of an answer, and answers are not stored."""
    return RedirectResponse("/", status_code=303)


async def error_page(request: Request, error: VergerError, upload: Upload | None = None) -> Response:
    """Shows an error, of this upload if there is one, in the visitor's language and under its own HTTP status."""
    state = state_of(request)
    t, settings = state.renderer.catalog_for(request), state.settings
    max_size = t.megabytes(settings.max_image_bytes)
    view = view_error(error, t, max_size=max_size, max_files=settings.max_files_per_request, upload=upload)
    if FRAGMENT_HEADER in request.headers:
        response: Response = state.renderer.render(request, "_error.html", view.status, error=view)
    else:
        response = await _page(request, view.status, error=view)
    response.headers.update(headers_of(error))
    return response


async def _page(
    request: Request,
    status: int = 200,
    *,
    answer: AnswerView | None = None,
    sample: str | None = None,
    error: ErrorView | None = None,
    feedback: FeedbackView | None = None,
    programs: Programs | None = None,
    thanks: bool = False,
    is_kept: bool = False,
) -> Response:
    """Renders the whole page; without a description of the model if none is live or no service answers."""
    state = state_of(request)
    t, max_bytes = state.renderer.catalog_for(request), state.settings.max_image_bytes
    model, absence = None, None
    try:
        model = view_model(await state.preprocess.recent_description(), t)
    except VergerError as missing:
        absence = view_absence(missing, t, datetime.now(UTC))
    return state.renderer.render(
        request,
        "page.html",
        status,
        model=model,
        absence=absence,
        samples=samples_for(model.classes, sample_keys(), t) if model else [],
        max_bytes=max_bytes,
        max_size=t.megabytes(max_bytes),
        answer=answer,
        sample=sample,
        error=error,
        asks=_asks(request),
        signs_in=state.gate is not None,
        visitor=await visitor_of(request),
        reviews=state.review is not None and reviews_openly(state.settings, request),
        keeping=await keeping_of(request),
        feedback=feedback,
        programs=programs,
        thanks=thanks,
        is_kept=is_kept,
    )


def _asks(request: Request) -> bool:
    """Returns whether visitors need a key to classify."""
    gate = state_of(request).gate
    return gate is not None and Scope.CLASSIFY not in gate.public


def _programs(request: Request, upload: Upload) -> Programs:
    """Returns programs that ask about this photo, at the address by which the visitor has found the page."""
    settings = state_of(request).settings
    host, port = request.url.hostname or "localhost", settings.preprocess_target.rpartition(":")[2]
    place = Place(
        page=str(request.base_url).rstrip("/"),
        grpc=f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        is_grpc_encrypted=settings.tls is not None,
        asks=_asks(request),
    )
    return programs_for(upload.filename, place)


def _chosen(received: Received) -> tuple[Upload, str | None]:
    """Returns the photo to classify, and its key if it is a sample picture."""
    key = received.fields.get("sample")
    if key is None:
        if not received.files:
            raise FileMissing("The form contains no photo. Choose one first.")
        return received.files[0], None
    if key not in sample_keys():
        raise NotFound("There is no such sample picture.")
    return Upload(f"{key}.webp", sample_bytes(key)), key


async def _view(request: Request, response: classifier_pb2.ClassifyResponse, total_ms: float) -> AnswerView:
    """Describes an answer with the class names of the version that gave it."""
    state = state_of(request)
    classes = await state.preprocess.classes_of(response.classification)
    return view_answer(response, classes, state.renderer.catalog_for(request), total_ms)
