"""What every request has in common."""

import uuid

import structlog

from services.common.errors import RequestIdTooLong

MAX_REQUEST_ID_LENGTH = 128


def checked_request_id(request_id: str) -> str:
    """The caller's id, or a new one where it gave none; from here on it stands in this call's log lines.

    Raises:
        RequestIdTooLong: more than MAX_REQUEST_ID_LENGTH characters.
    """
    if len(request_id) > MAX_REQUEST_ID_LENGTH:
        raise RequestIdTooLong(f"The request id has {len(request_id)} characters; at most {MAX_REQUEST_ID_LENGTH}.")
    request_id = request_id or uuid.uuid4().hex
    structlog.contextvars.bind_contextvars(request_id=request_id)
    return request_id
