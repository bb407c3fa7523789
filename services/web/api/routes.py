"""The REST API."""

from collections.abc import Sequence
from datetime import UTC
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import TypeAdapter
from verger.v1 import classifier_pb2

from engine.errors import VergerError
from services.web.answering import Outcome, answer_all
from services.web.api.openapi import CLASSIFY_BODY, REFUSALS, UNAVAILABLE, problems
from services.web.api.schemas import (
    ClassDescription,
    ClassifyAnswer,
    Evidence,
    FileResult,
    ModelDescription,
    ModelName,
    Prediction,
    Refusal,
    UploadLimits,
)
from services.web.page.presentation import verdict_name
from services.web.problems import FileMissing, is_callers_fault, problem_of
from services.web.state import State, state_of
from services.web.uploads.forms import Upload

_AS_JSON = TypeAdapter(ClassifyAnswer)

router = APIRouter(prefix="/api/v1", tags=["classification"])


@router.post(
    "/classify",
    summary="Classify one photo or several",
    response_model=ClassifyAnswer,
    openapi_extra={"requestBody": CLASSIFY_BODY},
    responses=problems(REFUSALS),
)
async def classify(
    request: Request,
    evidence: Annotated[
        bool, Query(description="Whether each result also says which part of the photo speaks.")
    ] = False,
) -> Response:
    """Send photos as `multipart/form-data` with the field `file`, once or several times, or one photo as the raw body
    with any other content type. The format is told from the content.

    Several photos: one bad photo spoils no other; its result has an `error` and the status is 200. Only when none of
    them could be answered for a reason that is not the photos' own (overload, a service away, a deadline) is the whole
    answer that problem, so that whoever retries by status and `Retry-After` does the right thing. One photo: its
    problem is the answer.

    With `?evidence=true` each result has a grid over the photo: which part of it speaks for the first prediction.

    `X-Request-ID` (at most 128 characters) names the request in logs and traces of all services, and comes back.
    `Server-Timing` says where the time of a single photo went.
    """
    state = state_of(request)
    async with state.uploads.received(request, raw_allowed=True) as received:
        if not received.files:
            raise FileMissing("There is no photo in the request. Send it as the form field “file”, or as the body.")
        outcomes = await answer_all(
            request, state.classifier, received.files, request.state.request_id, include_evidence=evidence
        )
    _raise_if_all_failed(outcomes)
    answer = ClassifyAnswer(
        model=_newest_model(outcomes),
        results=[
            _result(upload, outcome, include_evidence=evidence)
            for upload, outcome in zip(received.files, outcomes, strict=True)
        ],
    )
    content = _AS_JSON.dump_json(answer)
    return Response(content, media_type="application/json", headers=_server_timing(outcomes))


@router.get(
    "/model",
    summary="Describe the model that answers",
    response_model=ModelDescription,
    responses=problems(UNAVAILABLE),
)
async def model(request: Request) -> ModelDescription:
    """Name, version, classes, limits and test figures of the version that is live, at most a second old."""
    state = state_of(request)
    return _describe(await state.classifier.recent_description(), state)


def _raise_if_all_failed(outcomes: Sequence[Outcome]) -> None:
    errors = [outcome for outcome in outcomes if isinstance(outcome, VergerError)]
    if len(errors) == len(outcomes) and (len(errors) == 1 or not any(is_callers_fault(error) for error in errors)):
        raise errors[0]


def _newest_model(outcomes: Sequence[Outcome]) -> ModelName | None:
    answered_by = [o.classification.model for o in outcomes if isinstance(o, classifier_pb2.ClassifyResponse)]
    if not answered_by:
        return None
    newest = max(answered_by, key=lambda ref: int(ref.version))
    return ModelName(name=newest.name, version=newest.version)


def _result(upload: Upload, outcome: Outcome, *, include_evidence: bool) -> FileResult:
    if isinstance(outcome, VergerError):
        result = FileResult(filename=upload.filename, verdict=None, predictions=[], error=problem_of(outcome))
        evidence = None
    else:
        answer = outcome.classification
        predictions = [Prediction(label=item.label, probability=item.probability) for item in answer.predictions]
        verdict = verdict_name(answer.verdict)
        result = FileResult(filename=upload.filename, verdict=verdict, predictions=predictions, error=None)
        evidence = _evidence(answer.evidence) if answer.HasField("evidence") else None
    if include_evidence:
        result["evidence"] = evidence
    return result


def _evidence(grid: classifier_pb2.EvidenceMap) -> Evidence:
    cells, width = list(grid.strength), grid.width
    rows = [cells[start : start + width] for start in range(0, len(cells), width)]
    return Evidence(height=grid.height, width=width, strength=rows)


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
        test_metrics=dict(live.contract.provenance.test_metrics),
        refusal=Refusal(
            name=live.refusal.ref.name,
            version=live.refusal.ref.version,
            reason=live.refusal.reason,
            message=live.refusal.message,
        )
        if live.HasField("refusal")
        else None,
    )
