"""Translates between Verger's protobuf messages and the client's own types. It does no input or output."""

from dataclasses import dataclass

from google.protobuf.message import DecodeError
from google.rpc import code_pb2, error_details_pb2, status_pb2
from verger.v1 import classifier_pb2

from verger_client.answers import Answer, Description, Evidence, ModelClass, Prediction, Verdict
from verger_client.errors import (
    AccessError,
    Busy,
    PhotoError,
    RequestError,
    ServerError,
    Timeout,
    Unavailable,
    VergerError,
)

DETAILS = "grpc-status-details-bin"
"""Trailing metadata that holds the google.rpc.Status of a failed call."""

_BY_CODE: dict[int, type[VergerError]] = {
    code_pb2.INVALID_ARGUMENT: RequestError,
    code_pb2.UNIMPLEMENTED: RequestError,
    code_pb2.UNAUTHENTICATED: AccessError,
    code_pb2.PERMISSION_DENIED: AccessError,
    code_pb2.RESOURCE_EXHAUSTED: Busy,
    code_pb2.UNAVAILABLE: Unavailable,
    code_pb2.DEADLINE_EXCEEDED: Timeout,
    code_pb2.CANCELLED: Unavailable,
}


@dataclass(frozen=True)
class Options:
    """What an answer shall contain."""

    top_k: int = 0
    """Number of predictions; 0 for all classes."""

    evidence: bool = False
    """Whether to return the map of evidence."""


def request_for(image: bytes, options: Options, request_id: str) -> classifier_pb2.ClassifyRequest:
    """Returns the request for one photo."""
    return classifier_pb2.ClassifyRequest(
        image=image, top_k=options.top_k, include_evidence=options.evidence, request_id=request_id
    )


def answer_of(response: classifier_pb2.ClassifyResponse) -> Answer:
    """Returns the answer of a response that holds a classification."""
    found, spent = response.classification, response.timings
    return Answer(
        verdict=Verdict(classifier_pb2.Verdict.Name(found.verdict).removeprefix("VERDICT_")),
        predictions=tuple(Prediction(item.label, item.probability) for item in found.predictions),
        model=found.model.name,
        version=found.model.version,
        request_id=response.request_id,
        timings_ms={
            "decode_queue": spent.decode_queue_ms,
            "decode": spent.decode_ms,
            "compute_queue": spent.compute_queue_ms,
            "compute": spent.compute_ms,
        },
        evidence=_evidence_of(found) if found.HasField("evidence") else None,
    )


def description_of(response: classifier_pb2.DescribeClassifierResponse) -> Description:
    """Returns the description of the live version."""
    model, limits = response.model, response.limits
    origin = model.contract.provenance
    return Description(
        model=model.ref.name,
        version=model.ref.version,
        classes=tuple(ModelClass(info.label, dict(info.display_names)) for info in model.contract.classes),
        max_bytes=limits.max_bytes,
        max_pixels=limits.max_pixels,
        media_types=tuple(limits.media_types),
        few_pictures=origin.few_pictures,
        test_metrics=dict(origin.test_metrics),
    )


def status_from(code: int, message: str, details: bytes) -> status_pb2.Status:
    """Returns the status of a failed call: that of the server where it sent one, as the value of DETAILS."""
    status = status_pb2.Status()
    try:
        status.ParseFromString(details)
    except DecodeError:
        status.Clear()
    return status if status.code else status_pb2.Status(code=code, message=message)


def error_of(status: status_pb2.Status) -> VergerError:
    """Returns the error that a status means."""
    info, pause = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    for detail in status.details:
        if not detail.Unpack(info):
            detail.Unpack(pause)
    kind = _BY_CODE.get(status.code, ServerError)
    if info.reason.startswith("IMAGE_"):
        kind = PhotoError
    elif kind is Busy and not info.reason:  # gRPC itself refuses a message that is far too large
        return PhotoError(f"The photo is too large. ({status.message})", "IMAGE_TOO_LARGE")
    return kind(status.message, info.reason, pause.retry_delay.ToTimedelta().total_seconds())


def _evidence_of(found: classifier_pb2.Classification) -> Evidence:
    return Evidence(found.evidence.height, found.evidence.width, found.evidence.strength)
