"""Request ids, which connect an answer with its log lines in all services."""

import uuid

import structlog

from services.common.errors import RequestIdTooLong

MAX_REQUEST_ID_CHARACTERS = 128


def checked_request_id(request_id: str) -> str:
    """Returns the caller's id, or a new one if it is empty, and adds it to all further log lines of this call.

    Raises:
        RequestIdTooLong: it has more than MAX_REQUEST_ID_CHARACTERS characters.
    """
    if len(request_id) > MAX_REQUEST_ID_CHARACTERS:
        raise RequestIdTooLong(f"The request id has {len(request_id)} characters; at most {MAX_REQUEST_ID_CHARACTERS}.")
    request_id = request_id or uuid.uuid4().hex
    structlog.contextvars.bind_contextvars(request_id=request_id)
    return request_id
