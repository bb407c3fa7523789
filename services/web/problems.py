"""Translates Verger's errors to HTTP: statuses, problem details (RFC 9457) and headers.

It also defines the errors that only HTTP has; engine/errors.py and services/common/errors.py define the others.
"""

import math
from http import HTTPStatus

from pydantic import BaseModel, Field

from engine.errors import InvalidArgument, Unavailable, VergerError
from services.common.errors import DeadlineExceeded, KeyMissing, QuotaExceeded, ScopeMissing, Unauthenticated

MEDIA_TYPE = "application/problem+json"

_STATUS_BY_REASON = {
    "IMAGE_EMPTY": 400,
    "FILE_MISSING": 400,
    "HOST_INVALID": 400,
    "MULTIPART_INVALID": 400,
    "REQUEST_ID_TOO_LONG": 400,
    "REQUEST_INVALID": 400,
    "NOT_FOUND": 404,
    "FEEDBACK_OFF": 404,
    "REVIEW_OFF": 404,
    "METHOD_NOT_ALLOWED": 405,
    "REQUEST_TIMEOUT": 408,
    "UPLOAD_TIMEOUT": 408,
    "IMAGE_TOO_LARGE": 413,
    "IMAGE_TOO_MANY_PIXELS": 413,
    "BATCH_TOO_LARGE": 413,
    "QUOTA_TOO_SMALL": 413,
    "REQUEST_TOO_LARGE": 413,
    "TOO_MANY_FILES": 413,
    "CONTENT_ENCODING_UNSUPPORTED": 415,
    "IMAGE_FORMAT_UNSUPPORTED": 415,
    "IMAGE_HEIC_UNSUPPORTED": 415,
    "IMAGE_VARIANT_UNSUPPORTED": 415,
    "IMAGE_TOO_COMPLEX": 422,
    "IMAGE_TRUNCATED": 422,
    "IMAGE_CORRUPT": 422,
    "HEADER_TOO_LARGE": 431,
}

# The statuses of all other reasons. FAILED_PRECONDITION means that the model can't be served, which is never the
# caller's fault. A code that is not listed means a bug: 500.
_STATUS_BY_CODE = {
    "INVALID_ARGUMENT": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "FAILED_PRECONDITION": 503,
    "RESOURCE_EXHAUSTED": 429,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}

_CHALLENGE = 'Bearer realm="Verger"'
"""How to send a key (RFC 6750)."""

_DEFAULT_RETRY_AFTER_SECONDS = 2
"""Retry-After of 429 and 503 if the error itself has none."""


class FileMissing(InvalidArgument):
    """A form without a photo."""

    reason = "FILE_MISSING"


class MultipartInvalid(InvalidArgument):
    """A body that can't be read as multipart/form-data."""

    reason = "MULTIPART_INVALID"


class RequestTooLarge(InvalidArgument):
    """A request with more bytes than are accepted."""

    reason = "REQUEST_TOO_LARGE"


class TooManyFiles(InvalidArgument):
    """A request with more photos than are accepted."""

    reason = "TOO_MANY_FILES"


class FeedbackInvalid(InvalidArgument):
    """Feedback that lacks something, or says something that can't be."""

    reason = "FEEDBACK_INVALID"


class FeedbackOff(InvalidArgument):
    """Feedback where no photos are kept."""

    reason = "FEEDBACK_OFF"


class ReviewOff(InvalidArgument):
    """Review where there is no collection."""

    reason = "REVIEW_OFF"


class ReviewNeedsKeys(VergerError):
    """Review of other people's photos from another machine, where nobody is asked for a key."""

    code = "PERMISSION_DENIED"
    reason = "REVIEW_NEEDS_KEYS"


class DecisionInvalid(InvalidArgument):
    """A decision of a reviewer that lacks something, or says something that can't be."""

    reason = "DECISION_INVALID"


class ParameterInvalid(InvalidArgument):
    """A query parameter with an invalid value."""

    reason = "PARAMETER_INVALID"


class HostInvalid(InvalidArgument):
    """A request without a Host header, or with several or a malformed one."""

    reason = "HOST_INVALID"


class RequestInvalid(InvalidArgument):
    """Bytes that are no HTTP/1.1 request, or requests that don't wait for their answers."""

    reason = "REQUEST_INVALID"


class HeaderTooLarge(InvalidArgument):
    """More bytes of headers, or more headers, than are accepted."""

    reason = "HEADER_TOO_LARGE"


class ContentEncodingUnsupported(InvalidArgument):
    """A photo that was compressed or encoded for the transport."""

    reason = "CONTENT_ENCODING_UNSUPPORTED"


class NotFound(InvalidArgument):
    """There is nothing at this address."""

    reason = "NOT_FOUND"


class MethodNotAllowed(InvalidArgument):
    """The address exists, but not for this HTTP method."""

    reason = "METHOD_NOT_ALLOWED"


class FormTokenInvalid(VergerError):
    """A form that changes something came without the token that the page gave it: maybe another site has sent it."""

    code = "PERMISSION_DENIED"
    reason = "FORM_TOKEN_INVALID"


class RequestTimeout(DeadlineExceeded):
    """The client did not send the headers in time."""

    reason = "REQUEST_TIMEOUT"


class UploadTimeout(DeadlineExceeded):
    """The client stopped sending before the upload was complete, or sent it too slowly."""

    reason = "UPLOAD_TIMEOUT"


class TooManyConnections(Unavailable):
    """As many connections as are accepted are being answered."""

    reason = "TOO_MANY_CONNECTIONS"


class Problem(BaseModel):
    """Says what went wrong (RFC 9457). Programs can rely on `reason`; `detail` is for people."""

    type: str = Field(
        default="about:blank", description="Always about:blank. `status` and `reason` identify the problem."
    )
    title: str = Field(description="The standard phrase of the status.", examples=["Unsupported Media Type"])
    status: int = Field(description="The HTTP status.", examples=[415])
    detail: str = Field(
        description="What is wrong and what to do about it, in English.",
        examples=["This is not a picture that can be read. Accepted formats: JPEG, PNG, WEBP, GIF, BMP, TIFF, AVIF."],
    )
    reason: str = Field(description="Machine-readable, UPPER_SNAKE_CASE.", examples=["IMAGE_FORMAT_UNSUPPORTED"])
    since: str | None = Field(
        default=None,
        exclude_if=lambda since: since is None,
        description="Since when the service has had no live version of the model, where that is the reason (UTC).",
        examples=["2026-11-27T09:30:00+00:00"],
        json_schema_extra={"format": "date-time"},
    )


def status_of(error: VergerError) -> int:
    """Returns the HTTP status of an error, 400 to 599."""
    return _STATUS_BY_REASON.get(error.reason) or _STATUS_BY_CODE.get(error.code, 500)


def problem_of(error: VergerError) -> Problem:
    """Describes an error in the format of RFC 9457."""
    status = status_of(error)
    title, since = HTTPStatus(status).phrase, error.metadata.get("since")
    return Problem(title=title, status=status, detail=str(error), reason=error.reason, since=since)


def headers_of(error: VergerError) -> dict[str, str]:
    """Returns the headers of an error: Retry-After, in whole seconds, with 429 and 503; quotas; what to send."""
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": _CHALLENGE + ("" if isinstance(error, KeyMissing) else ', error="invalid_token"')}
    if isinstance(error, ScopeMissing):
        scope = error.metadata["scope"]
        return {"WWW-Authenticate": f'{_CHALLENGE}, error="insufficient_scope", scope="{scope}"'}
    if isinstance(error, ContentEncodingUnsupported):
        return {"Accept-Encoding": "identity"}
    if status_of(error) not in (429, 503):
        return {}
    retry_after = {"Retry-After": str(math.ceil(error.retry_after_seconds or _DEFAULT_RETRY_AFTER_SECONDS))}
    return retry_after | (dict(error.fields) if isinstance(error, QuotaExceeded) else {})


def is_callers_fault(error: VergerError) -> bool:
    """Whether the caller must change the request. If not, the same request may succeed later."""
    return status_of(error) < 500 and status_of(error) not in (408, 429)
