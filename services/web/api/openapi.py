"""The parts of the OpenAPI document that the types can't express: request bodies and examples."""

from collections import defaultdict
from collections.abc import Sequence, Set
from typing import Any

from fastapi import FastAPI

from engine.errors import (
    ImageCorrupt,
    ImageEmpty,
    ImageFormatUnsupported,
    ImageTooComplex,
    ImageTooLarge,
    ImageTooManyPixels,
    ImageTruncated,
    Unavailable,
    VergerError,
)
from services.access.keys import Scope
from services.common.errors import (
    AccessUnavailable,
    CollectionUnavailable,
    DeadlineExceeded,
    InferenceUnavailable,
    KeyExpired,
    KeyMissing,
    KeyRevoked,
    KeyUnknown,
    ModelNotLoaded,
    NoVersionYet,
    Overloaded,
    QuotaExceeded,
    QuotaTooSmall,
    RemoteError,
    ScopeMissing,
)
from services.web.access import needed_scope
from services.web.problems import (
    MEDIA_TYPE,
    ContentEncodingUnsupported,
    FeedbackInvalid,
    FeedbackOff,
    FileMissing,
    MultipartInvalid,
    ParameterInvalid,
    RequestTooLarge,
    TooManyFiles,
    UploadTimeout,
    headers_of,
    problem_of,
)

_SINCE = "2026-11-27T09:30:00+00:00"

UNAVAILABLE_ERRORS = [
    Unavailable("The classifier is temporarily unavailable. Try again in a few seconds."),
    InferenceUnavailable("No inference service answers. Try again in a few seconds."),
    ModelNotLoaded("No version is live yet. Wait until one is loaded, or until MLflow is back.", since=_SINCE),
    NoVersionYet("No version of flowers is live yet. Train one: ./launch.sh --train DIR", since=_SINCE),
]
PARAMETER_ERROR = ParameterInvalid("Correct the query parameters. evidence: Input should be a valid boolean, ….")
CLASSIFY_ERRORS = [
    ImageEmpty("The file is empty. Send the bytes of a picture."),
    FileMissing("The request contains no photo. Send it as the form field “file”, or as the body."),
    PARAMETER_ERROR,
    MultipartInvalid("The end of the form is missing. Send the whole body."),
    UploadTimeout("No data arrived for 30 s. Send the photo again."),
    ImageTooLarge("The file has more than 20,971,520 bytes, which is the limit. Send a smaller copy."),
    ImageTooManyPixels(
        "The picture has 20000 x 20000 = 400,000,000 pixels; at most 64,000,000 are accepted. Send a smaller copy."
    ),
    ImageTooComplex(
        "The JPEG has more than 64 scans, which would take too long to decode. Save it again and send the copy."
    ),
    RequestTooLarge(
        "The request has more than 104,857,600 bytes, which is the limit. Send the photos in several requests."
    ),
    TooManyFiles("The request has more than 32 photos, which is the limit. Send the photos in several requests."),
    ContentEncodingUnsupported("The photo is sent as “gzip”. Send its bytes as they are."),
    ImageFormatUnsupported(
        "This is not a picture that can be read. Accepted formats: JPEG, PNG, WEBP, GIF, BMP, TIFF, AVIF."
    ),
    ImageTruncated("The picture's end is missing. Send the whole file."),
    ImageCorrupt("The picture is damaged and can't be decoded. Save it again and send the copy."),
    Overloaded("All places are taken. Wait a second, then send the request again."),
    QuotaExceeded("This key may send 600 photos a minute. Wait 12 s, then send it again."),
    QuotaTooSmall("This key may send 10 photos a minute, and this is more. Send less at once."),
    *UNAVAILABLE_ERRORS,
    DeadlineExceeded("The answer took too long. Try again, perhaps with a smaller photo."),
]

_KEY_ERRORS = [
    KeyMissing("This needs a key. Send one as “Authorization: Bearer KEY”."),
    KeyUnknown("This key is not known. Check that it was copied whole."),
    KeyExpired("This key has expired. Ask for a new one."),
    KeyRevoked("This key was revoked. Ask for a new one."),
    ScopeMissing("This key may not be used for this. Ask for one with the scope “classify”.", scope="classify"),
    AccessUnavailable("Keys can't be checked at the moment. Try again in a few seconds."),
]

FEEDBACK_ERRORS = [
    FeedbackInvalid("“report” must be one of right, class, none, other."),
    FeedbackOff("This site keeps no photos, so there is nothing to learn from feedback."),
    RemoteError("NOT_FOUND", "ANSWER_UNKNOWN", "No photo with this answer is kept. Send the photo with your report."),
    PARAMETER_ERROR,
    MultipartInvalid("The end of the form is missing. Send the whole body."),
    UploadTimeout("No data arrived for 30 s. Send the photo again."),
    ImageTooLarge("The file has more than 20,971,520 bytes, which is the limit. Send a smaller copy."),
    ImageFormatUnsupported("This is not a picture that can be read."),
    ImageCorrupt("The picture is damaged and can't be decoded. Save it again and send the copy."),
    Overloaded("All places are taken. Wait a second, then send the request again."),
    CollectionUnavailable("What you say can't be noted at the moment. Try again in a few seconds."),
    *UNAVAILABLE_ERRORS,
]

_PHOTO = {"type": "string", "format": "binary"}
CLASSIFY_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "array", "items": _PHOTO, "description": "One photo or several."}},
            }
        },
        "image/*": {"schema": _PHOTO},
        "application/octet-stream": {"schema": _PHOTO},
    },
}

FEEDBACK_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["answer", "report"],
                "properties": {
                    "answer": {"type": "string", "maxLength": 128, "description": "X-Request-ID of the answer."},
                    "report": {"type": "string", "enum": ["right", "class", "none", "other"]},
                    "label": {
                        "type": "string",
                        "description": "What it shows, with the report “class”: one of the classes.",
                    },
                    "note": {"type": "string", "maxLength": 500, "description": "In your own words."},
                    "file": _PHOTO | {"description": "The photo, where it is not kept already."},
                },
            }
        }
    },
}

_MODEL = {"name": "fruit-classifier", "version": "3"}
_RECOGNISED = {
    "filename": "lunch.jpg",
    "verdict": "RECOGNISED",
    "label": "banana",
    "display_name": "banana",
    "predictions": [{"label": "banana", "probability": 0.982}, {"label": "mango", "probability": 0.011}],
    "error": None,
}
_DAMAGED: dict[str, Any] = {
    "filename": "half.jpg",
    "verdict": None,
    "label": None,
    "display_name": None,
    "predictions": [],
    "error": problem_of(ImageTruncated("The picture's end is missing. Send the whole file.")).model_dump(),
}
_WITH_EVIDENCE = _RECOGNISED | {
    "evidence": {"height": 3, "width": 4, "strength": [[0, 12, 30, 4], [8, 201, 255, 40], [0, 35, 61, 9]]}
}
_IN_FRENCH = _RECOGNISED | {
    "display_name": "banane",
    "timings": {"decode_queue_ms": 0.03, "decode_ms": 3.41, "compute_queue_ms": 0.02, "compute_ms": 5.87},
}
_CLASSIFY_EXAMPLES = {
    "one photo": {"value": {"model": _MODEL, "results": [_RECOGNISED]}},
    "one photo, ?evidence=true": {"value": {"model": _MODEL, "results": [_WITH_EVIDENCE]}},
    "one photo, ?lang=fr&timings=true": {"value": {"model": _MODEL, "results": [_IN_FRENCH]}},
    "two photos, one damaged": {"value": {"model": _MODEL, "results": [_RECOGNISED, _DAMAGED]}},
}


class DocumentedFastAPI(FastAPI):
    """Adds the examples of answers to the finished document, because FastAPI removes every null from examples."""

    asks_for_keys = False
    """Whether the operations are described as needing a key."""

    public_scopes: Set[Scope] = frozenset()
    """Scopes for which they are described as doing without."""

    def openapi(self) -> dict[str, Any]:
        """Returns the OpenAPI document with all examples."""
        document = super().openapi()
        answer = document["paths"]["/api/v1/classify"]["post"]["responses"]["200"]
        answer["content"]["application/json"]["examples"] = _CLASSIFY_EXAMPLES
        if self.asks_for_keys:
            _describe_keys(document, self.public_scopes)
        return document


def _describe_keys(document: dict[str, Any], public: Set[Scope]) -> None:
    """Says at each operation that needs a key how to send it, and how it is refused."""
    scheme = {"type": "http", "scheme": "bearer", "description": "A key, which the operator of this service hands out."}
    document["components"]["securitySchemes"] = {"key": scheme}
    for path, operations in document["paths"].items():
        needed = needed_scope(path)
        for operation in operations.values() if needed else ():
            operation["security"] = [*([{}] if needed in public else []), {"key": []}]
            for status, response in problem_responses(_KEY_ERRORS).items():
                operation["responses"].setdefault(str(status), response)


def problem_responses(errors: Sequence[VergerError]) -> dict[int | str, dict[str, Any]]:
    """Describes an operation's error responses: one for each status, with an example for each of the errors."""
    by_status: dict[int | str, list[VergerError]] = defaultdict(list)
    for error in errors:
        by_status[problem_of(error).status].append(error)
    return {status: _response(errors) for status, errors in by_status.items()}


def _response(errors: Sequence[VergerError]) -> dict[str, Any]:
    retry = {"Retry-After": {"description": "Seconds to wait before a retry.", "schema": {"type": "integer"}}}
    examples = {error.reason: {"value": problem_of(error).model_dump()} for error in errors}
    return {
        "description": ", ".join(error.reason for error in errors),
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}},
        "headers": retry if headers_of(errors[0]) else {},
    }
