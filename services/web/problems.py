"""From Verger's errors to HTTP: the one place that knows which reason has which status. Pure.

Errors that only HTTP knows extend the tree of services.common.errors here.
"""

import math
from http import HTTPStatus

from pydantic import BaseModel, Field

from engine.errors import InvalidArgument, VergerError
from services.common.errors import DeadlineExceeded

MEDIA_TYPE = "application/problem+json"

_STATUS_BY_REASON = {
    "IMAGE_EMPTY": 400,
    "FILE_MISSING": 400,
    "MULTIPART_INVALID": 400,
    "REQUEST_ID_TOO_LONG": 400,
    "NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "UPLOAD_TIMEOUT": 408,
    "IMAGE_TOO_LARGE": 413,
    "IMAGE_TOO_MANY_PIXELS": 413,
    "REQUEST_TOO_LARGE": 413,
    "TOO_MANY_FILES": 413,
    "IMAGE_FORMAT_UNSUPPORTED": 415,
    "IMAGE_TRUNCATED": 422,
    "IMAGE_CORRUPT": 422,
}

# For reasons that are not listed above. A failed precondition is the system's, never the caller's: a model that can't
# be served. Codes that are not listed here mean that something is broken: 500.
_STATUS_BY_CODE = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 503,
    "RESOURCE_EXHAUSTED": 429,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}

_RETRY_AFTER_SECONDS = 2
"""Said with 429 and 503 when the error itself names no time."""


class FileMissing(InvalidArgument):
    """A form without a photo."""

    reason = "FILE_MISSING"


class MultipartInvalid(InvalidArgument):
    """A body that is not multipart/form-data, though it should be."""

    reason = "MULTIPART_INVALID"


class RequestTooLarge(InvalidArgument):
    """More bytes in one request than are accepted, all photos together."""

    reason = "REQUEST_TOO_LARGE"


class TooManyFiles(InvalidArgument):
    """More photos in one request than are accepted."""

    reason = "TOO_MANY_FILES"


class ParameterInvalid(InvalidArgument):
    """A parameter of the address with a value that means nothing."""

    reason = "PARAMETER_INVALID"


class NotFound(InvalidArgument):
    """Nothing is at this address."""

    reason = "NOT_FOUND"


class MethodNotAllowed(InvalidArgument):
    """The address exists, but not for this HTTP method."""

    reason = "METHOD_NOT_ALLOWED"


class UploadTimeout(DeadlineExceeded):
    """The client stopped sending in the middle of its upload."""

    reason = "UPLOAD_TIMEOUT"


class Problem(BaseModel):
    """Says what went wrong (RFC 9457). `reason` is for programs and stable; `detail` is for people."""

    type: str = Field(default="about:blank", description="Always about:blank: `status` and `reason` say it all.")
    title: str = Field(description="The phrase that belongs to the status.", examples=["Unsupported Media Type"])
    status: int = Field(description="The HTTP status.", examples=[415])
    detail: str = Field(
        description="A sentence for people that says what is wrong and what to do.",
        examples=["This is not a picture that can be read. Accepted formats: JPEG, PNG, WEBP, GIF, BMP, TIFF."],
    )
    reason: str = Field(description="Machine-readable, UPPER_SNAKE_CASE.", examples=["IMAGE_FORMAT_UNSUPPORTED"])


def status_of(error: VergerError) -> int:
    """The HTTP status of an error, 400 to 599."""
    return _STATUS_BY_REASON.get(error.reason) or _STATUS_BY_CODE.get(error.code, 500)


def problem_of(error: VergerError) -> Problem:
    """Describes an error as RFC 9457 wants it."""
    status = status_of(error)
    return Problem(title=HTTPStatus(status).phrase, status=status, detail=str(error), reason=error.reason)


def headers_of(error: VergerError) -> dict[str, str]:
    """The headers that belong to an error: Retry-After, in whole seconds, where a retry may work."""
    if status_of(error) not in (429, 503):
        return {}
    return {"Retry-After": str(math.ceil(error.retry_after_seconds or _RETRY_AFTER_SECONDS))}


def is_callers_fault(error: VergerError) -> bool:
    """Whether the request must change; otherwise the same request may well succeed later."""
    return status_of(error) < 500 and status_of(error) not in (408, 429)
