"""The routes of the REST API."""

from collections.abc import Collection, Sequence, Set
from datetime import UTC
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import TypeAdapter
from verger.v1 import classifier_pb2, collection_pb2

from engine.errors import VergerError
from services.common.oip.photos import newest
from services.web.access import count_rest
from services.web.answering import Outcome, answer_program
from services.web.api.openapi import (
    CLASSIFY_BODY,
    CLASSIFY_ERRORS,
    FEEDBACK_BODY,
    FEEDBACK_ERRORS,
    PARAMETER_ERROR,
    UNAVAILABLE_ERRORS,
    problem_responses,
)
from services.web.api.results import Shown, failure_of, figure_of, result_of
from services.web.api.schemas import (
    ClassDescription,
    ClassifyAnswer,
    FeedbackAnswer,
    FileResult,
    ModelDescription,
    ModelName,
    Refusal,
    UploadLimits,
)
from services.web.feedback import collector_of, feedback_of, take
from services.web.preprocess_client import Wanted
from services.web.problems import FileMissing, ParameterInvalid, is_callers_fault
from services.web.state import State, state_of
from services.web.uploads.forms import Upload

_AS_JSON = TypeAdapter(ClassifyAnswer)

router = APIRouter(prefix="/api/v1", tags=["classification"])


@router.post(
    "/classify",
    summary="Classify one photo or several",
    response_model=ClassifyAnswer,
    openapi_extra={"requestBody": CLASSIFY_BODY},
    responses=problem_responses(CLASSIFY_ERRORS),
)
async def classify(
    request: Request,
    evidence: Annotated[bool, Query(description="Whether each result contains an evidence map of its photo.")] = False,
    top_k: Annotated[
        int, Query(ge=0, lt=2**32, description="Number of predictions, best first; 0, or more than there are: all.")
    ] = 0,
    lang: Annotated[str, Query(description="Language of `display_name`: en, or another one of the page.")] = "en",
    timings: Annotated[bool, Query(description="Whether each result says how long each step took.")] = False,
) -> Response:
    """Send photos as `multipart/form-data` in the field `file`, once or several times, or send one photo as the raw
    body with any other content type. The service recognises the format from the content.

    If you send one photo and it can't be classified, the answer is a problem. If you send several, the status is 200
    and each photo that can't be classified has an `error` in its result; the other photos are not affected. There is
    one exception: if every photo failed and no photo was at fault (overload, an unavailable service, a deadline), the
    answer is that problem, so that clients can retry by status and `Retry-After`.

    With `?evidence=true` each result contains an evidence map: a grid over the photo that shows which parts support
    the first prediction. With `?top_k=3` each result contains the three best predictions only. `?lang=fr` chooses the
    language of `display_name`. With `?timings=true` each result says how long each step took. Other parameters are
    refused.

    `X-Request-ID` (at most 128 characters) identifies the request in the logs and traces of all services. The answer
    repeats it. `Server-Timing` says how long each step took, for requests with a single photo.
    """
    _refuse_unknown_parameters(request, {"evidence", "top_k", "lang", "timings"})
    state = state_of(request)
    _refuse_unknown_language(lang, state.renderer.languages)
    received = await state.uploads.receive(request, raw_allowed=True)
    if not received.files:
        raise FileMissing("The request contains no photo. Send it as the form field “file”, or as the body.")
    outcomes = await answer_program(request, received.files, Wanted(top_k, evidence))
    _raise_if_all_failed(outcomes)
    shown = Shown(lang, evidence, timings)
    answer = ClassifyAnswer(
        model=_newest_model(outcomes),
        results=[
            await _result(upload, outcome, shown, state)
            for upload, outcome in zip(received.files, outcomes, strict=True)
        ],
    )
    content = _AS_JSON.dump_json(answer)
    return Response(content, media_type="application/json", headers=_server_timing(outcomes))


@router.post(
    "/feedback",
    summary="Say whether an answer is right",
    response_model=FeedbackAnswer,
    openapi_extra={"requestBody": FEEDBACK_BODY},
    responses=problem_responses(FEEDBACK_ERRORS),
)
async def feedback(request: Request) -> FeedbackAnswer:
    """Send a form with the id of the answer, which is in its header `X-Request-ID`, and what you say of it. Send the
    photo with it, unless this service keeps all photos: without one, nothing can be learned.

    What is sent twice is there once. A later report on the same answer replaces the earlier one.
    """
    _refuse_unknown_parameters(request, set())
    collector_of(request)
    state = state_of(request)
    received = await state.uploads.receive(request, raw_allowed=False)
    said = feedback_of(received.fields)
    if state.quotas:
        await count_rest(state.quotas, request, received.files)
    photo = received.files[0] if received.files else None
    if photo and photo.error:
        raise photo.error
    await take(request, said, photo, collection_pb2.PHOTO_SOURCE_REST)
    return FeedbackAnswer(answer=said.answer)


@router.get(
    "/model",
    summary="Describe the live model",
    response_model=ModelDescription,
    responses=problem_responses([PARAMETER_ERROR, *UNAVAILABLE_ERRORS]),
)
async def model(request: Request) -> ModelDescription:
    """Returns the name, version, classes, limits and test metrics of the live version. It may be one second old."""
    _refuse_unknown_parameters(request, set())
    state = state_of(request)
    return _describe(await state.preprocess.recent_description(), state)


def _refuse_unknown_parameters(request: Request, known: Set[str]) -> None:
    """Raises ParameterInvalid if the query has other parameters. FastAPI can do it with a model, which takes 0.1 ms."""
    unknown = request.query_params.keys() - known if request.scope["query_string"] else None
    if unknown:
        raise ParameterInvalid(f"Correct the query parameters. There is no {min(unknown)[:40]}.")


def _refuse_unknown_language(language: str, known: Collection[str]) -> None:
    if language not in known:
        raise ParameterInvalid(f"Correct the query parameters. lang: choose one of {', '.join(sorted(known))}.")


def _raise_if_all_failed(outcomes: Sequence[Outcome]) -> None:
    errors = [outcome for outcome in outcomes if isinstance(outcome, VergerError)]
    if len(errors) == len(outcomes) and (len(errors) == 1 or not any(is_callers_fault(error) for error in errors)):
        raise errors[0]


def _newest_model(outcomes: Sequence[Outcome]) -> ModelName | None:
    answered_by = [o.classification.model for o in outcomes if isinstance(o, classifier_pb2.ClassifyResponse)]
    if not answered_by:
        return None
    ref = newest(answered_by)
    return ModelName(name=ref.name, version=ref.version)


async def _result(upload: Upload, outcome: Outcome, shown: Shown, state: State) -> FileResult:
    if isinstance(outcome, VergerError):
        return failure_of(upload, outcome, shown)
    classes = await state.preprocess.classes_of(outcome.classification)
    return result_of(upload, outcome, classes, shown)


def _server_timing(outcomes: Sequence[Outcome]) -> dict[str, str]:
    if len(outcomes) != 1 or not isinstance(outcomes[0], classifier_pb2.ClassifyResponse):
        return {}
    timings = outcomes[0].timings
    stages = {
        "decode_queue": timings.decode_queue_ms,
        "decode": timings.decode_ms,
        "compute_queue": timings.compute_queue_ms,
        "compute": timings.compute_ms,
    }
    return {"Server-Timing": ", ".join(f"{stage};dur={ms:.2f}" for stage, ms in stages.items())}


def _describe(description: classifier_pb2.DescribeClassifierResponse, state: State) -> ModelDescription:
    live, limits, settings = description.model, description.limits, state.settings
    return ModelDescription(
        name=live.ref.name,
        version=live.ref.version,
        digest=live.digest,
        live_since=live.live_since.ToDatetime(UTC),
        classes=[
            ClassDescription(label=info.label, display_names=dict(info.display_names)) for info in live.contract.classes
        ],
        limits=UploadLimits(
            max_bytes=min(limits.max_bytes, settings.max_image_bytes),
            max_pixels=limits.max_pixels,
            media_types=list(limits.media_types),
            max_files=settings.max_files_per_request,
            max_request_bytes=settings.max_request_bytes,
        ),
        test_metrics={name: figure_of(name, value) for name, value in live.contract.provenance.test_metrics.items()},
        few_pictures=live.contract.provenance.few_pictures,
        refusal=Refusal(
            name=live.refusal.ref.name,
            version=live.refusal.ref.version,
            reason=live.refusal.reason,
            message=live.refusal.message,
        )
        if live.HasField("refusal")
        else None,
    )
