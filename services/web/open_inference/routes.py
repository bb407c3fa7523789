"""The routes of the Open Inference Protocol. The photos go the same way as those of the REST API."""

from collections.abc import Awaitable, Callable, Sequence
from importlib.metadata import version as version_of
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from verger.v1 import classifier_pb2

from engine.errors import VergerError
from services.common.oip.batches import Batch, batch_of
from services.common.oip.errors import ModelControlUnsupported
from services.common.oip.models import SERVER_NAME, ServedModel, asked_for
from services.common.oip.photos import of_batch, photo_answer, photo_model
from services.web.answering import Outcome, answer_program
from services.web.open_inference.messages import HEADER_LENGTH, answer_body, error_body, metadata_body, question_of
from services.web.preprocess_client import Wanted
from services.web.problems import headers_of, status_of
from services.web.state import State, state_of
from services.web.uploads.forms import Upload, too_large

PREFIX = "/v2"

EXTENSIONS = ["binary_tensor_data"]

MAX_JSON_OVERHEAD_BYTES = 64 * 1024
"""What the JSON of a request may have beside one photo of the largest size in base64."""

JSON, BINARY = "application/json", "application/octet-stream"

router = APIRouter(include_in_schema=False)  # the protocol has a description of its own

_VERSIONED = ("", "/versions/{version}")


@router.get(PREFIX)
async def server_metadata() -> Response:
    """Describes the server."""
    return JSONResponse({"name": SERVER_NAME, "version": version_of("verger-protos"), "extensions": EXTENSIONS})


@router.get(f"{PREFIX}/health/live")
async def live() -> Response:
    """Calls no other service."""
    return JSONResponse({"live": True})


@router.get(f"{PREFIX}/health/ready")
async def ready(request: Request) -> Response:
    """Calls preprocess, which calls inference, each time it is requested."""
    await state_of(request).preprocess.describe()
    return JSONResponse({"live": True, "ready": True})  # the specification has the first name, servers the second


async def model_metadata(request: Request, name: str, version: str = "") -> Response:
    """Describes the live version of a model."""
    model = await _asked(request, name, version)
    return JSONResponse(metadata_body(model.metadata()))


async def model_ready(request: Request, name: str, version: str = "") -> Response:
    """Says that a version is live. If it is not, the answer is an error that says why."""
    model = photo_model((await state_of(request).preprocess.describe()).model.ref)
    model.check(name, version)
    return JSONResponse({"name": model.name, "ready": True})


async def infer(request: Request, name: str, version: str = "") -> Response:
    """Classifies the photos of a batch, all or none."""
    state, model = state_of(request), await _asked(request, name, version)
    batch, binary_outputs = await _read(request, model, version)
    outcomes = await answer_program(request, _uploads(batch, state), Wanted(top_k=1))
    answer = photo_answer(batch, model, _all_of(outcomes))
    body, length = answer_body(answer, binary_outputs)
    if length is None:
        return Response(body, media_type=JSON)
    return Response(body, media_type=BINARY, headers={HEADER_LENGTH: str(length)})


async def refuse_control() -> Response:
    """Refuses what the repository extension would do."""
    raise ModelControlUnsupported.explained()


def _add_routes() -> None:
    handlers: dict[str, tuple[str, Callable[..., Awaitable[Any]]]] = {
        "": ("GET", model_metadata),
        "/ready": ("GET", model_ready),
        "/infer": ("POST", infer),
    }
    for versioned in _VERSIONED:
        for ending, (method, handler) in handlers.items():
            router.add_api_route(f"{PREFIX}/models/{{name}}{versioned}{ending}", handler, methods=[method])
    for path in ("index", "models/{name}/load", "models/{name}/unload"):
        router.add_api_route(f"{PREFIX}/repository/{path}", refuse_control, methods=["POST"])


_add_routes()


def is_of_protocol(path: str) -> bool:
    """Whether a path is one of the protocol, so that its errors are answered in the protocol's form."""
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def error_answer(error: VergerError) -> Response:
    """Makes the response for an error."""
    return Response(error_body(error), status_of(error), headers_of(error), JSON)


async def _asked(request: Request, name: str, version: str) -> ServedModel:
    preprocess = state_of(request).preprocess

    async def known() -> ServedModel:
        return photo_model((await preprocess.recent_description()).model.ref)

    async def live() -> ServedModel:
        return photo_model((await preprocess.describe()).model.ref)

    return await asked_for(name, version, known, live)


async def _read(request: Request, model: ServedModel, version: str) -> tuple[Batch, frozenset[str]]:
    """Reads the photos. Copies of the body are gone when it returns, so that photos are in memory once."""
    state = state_of(request)
    max_json_bytes = state.settings.max_image_bytes * 4 // 3 + MAX_JSON_OVERHEAD_BYTES
    body = await state.uploads.receive_body(request)
    message, binary_outputs = question_of(body, request.headers.get(HEADER_LENGTH), max_json_bytes, model)
    message.model_version = version
    batch = batch_of(message, model, state.settings.max_files_per_request)
    return batch._replace(is_raw=False), binary_outputs


def _uploads(batch: Batch, state: State) -> Sequence[Upload]:
    limit = state.settings.max_image_bytes
    return [Upload(None, b"", too_large(limit)) if len(image) > limit else Upload(None, image) for image in batch.items]


def _all_of(outcomes: Sequence[Outcome]) -> Sequence[classifier_pb2.Classification]:
    """Returns the answers to a batch. Raises the error of the first photo that has one."""
    answers = []
    for place, outcome in enumerate(outcomes):
        if isinstance(outcome, VergerError):
            raise of_batch(outcome, place, len(outcomes))
        answers.append(outcome.classification)
    return answers
