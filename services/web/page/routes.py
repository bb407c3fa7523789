"""The page: a form, an answer, and friendly words when there is none."""

import time
from dataclasses import replace

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from verger.v1 import classifier_pb2, model_pb2

from engine.errors import VergerError
from services.web.answering import answer_all
from services.web.page.assets import sample_bytes, sample_labels
from services.web.page.presentation import (
    AnswerView,
    ErrorView,
    embeddable,
    samples_for,
    view_answer,
    view_error,
    view_model,
)
from services.web.problems import FileMissing, NotFound, headers_of
from services.web.state import state_of
from services.web.uploads.forms import Upload
from services.web.uploads.reader import Received

router = APIRouter(include_in_schema=False)

FRAGMENT_HEADER = "X-Fragment"
"""Sent by the page's own script, which shows the photo itself and wants the answer alone."""


@router.api_route("/", methods=["GET", "HEAD"])
async def home(request: Request) -> Response:
    """The form."""
    return await _page(request)


@router.post("/predict")
async def predict(request: Request) -> Response:
    """Takes multipart/form-data with a photo as `file`, or the label of a sample picture as `sample`."""
    state = state_of(request)
    async with state.uploads.received(request, raw_allowed=False) as received:
        upload, sample = _chosen(received)
        started = time.perf_counter()
        (outcome,) = await answer_all(
            request, state.classifier, [upload], request.state.request_id, include_evidence=True
        )
        total_ms = (time.perf_counter() - started) * 1e3
        if isinstance(outcome, VergerError):
            raise outcome
        answer = await _view(request, outcome, total_ms)
        if FRAGMENT_HEADER in request.headers:
            return state.renderer.render(request, "_answer.html", answer=answer, sample=sample)
        photo = None if sample else embeddable(upload.image)
        return await _page(request, answer=replace(answer, photo=photo), sample=sample)


@router.get("/predict")
async def predict_again(_: Request) -> Response:
    """Somebody came back to the address of an answer. Answers are not kept; the form is elsewhere."""
    return RedirectResponse("/", status_code=303)


@router.get("/docs")
async def api_docs(request: Request) -> Response:
    """Swagger UI, from this server alone."""
    return state_of(request).renderer.render(request, "api_docs.html")


async def error_page(request: Request, error: VergerError) -> Response:
    """The page with friendly words in place of an answer, under the error's own status."""
    state = state_of(request)
    t, settings = state.renderer.catalog_for(request), state.settings
    max_size = t.megabytes(settings.max_image_bytes)
    view = view_error(error, t, max_size=max_size, max_files=settings.max_files_per_request)
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
) -> Response:
    """The whole page. It is there even when nothing behind this service answers."""
    state = state_of(request)
    t, max_bytes = state.renderer.catalog_for(request), state.settings.max_image_bytes
    try:
        model = view_model(await state.classifier.recent_description(), t)
    except VergerError:
        model = None
    return state.renderer.render(
        request,
        "page.html",
        status,
        model=model,
        samples=samples_for(model.classes, sample_labels()) if model else [],
        max_bytes=max_bytes,
        max_size=t.megabytes(max_bytes),
        answer=answer,
        sample=sample,
        error=error,
    )


def _chosen(received: Received) -> tuple[Upload, str | None]:
    """The photo to classify, and the label of the sample picture if it is one."""
    label = received.fields.get("sample")
    if label is None:
        if not received.files:
            raise FileMissing("Choose a photo first.")
        return received.files[0], None
    if label not in sample_labels():
        raise NotFound("There is no such sample picture.")
    return Upload(f"{label}.webp", sample_bytes(label)), label


async def _view(request: Request, response: classifier_pb2.ClassifyResponse, total_ms: float) -> AnswerView:
    """Puts an answer into words, in the names that the version which answered gives its classes."""
    state, answer = state_of(request), response.classification
    try:
        description = await state.classifier.recent_description(answered_by=answer.model)
        classes = list(description.model.contract.classes)
    except VergerError:  # the answer is there all the same; labels will do for names
        classes = [model_pb2.ClassInfo(label=item.label) for item in answer.predictions]
    return view_answer(response, classes, state.renderer.catalog_for(request), total_ms)
