"""What a connection sends itself, without the application: pure functions from requests and errors to bytes."""

from collections.abc import Sequence
from http import HTTPStatus

from engine.errors import VergerError
from services.web.problems import MEDIA_TYPE, headers_of, problem_of

Headers = Sequence[tuple[bytes, bytes]]

_UPGRADE_HEADERS = {b"upgrade", b"http2-settings"}


def reply_to(error: VergerError, default_headers: Headers) -> bytes:
    """Returns a whole response: the error as a problem document, on a connection that closes."""
    problem = problem_of(error)
    body = problem.model_dump_json().encode()
    headers = [
        *default_headers,
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"connection", b"close"),
        *((name.lower().encode(), value.encode()) for name, value in headers_of(error).items()),
    ]
    return _head(f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}".encode(), headers) + body


def without_upgrade(method: bytes, target: bytes, http_version: str, headers: Headers) -> bytes:
    """Returns the head of a request without its offer to change the protocol, which a server may ignore.

    RFC 9110, section 7.8. Names of headers are in lower case.
    """
    kept = []
    for name, value in headers:
        if name == b"connection":
            tokens = [token.strip() for token in value.split(b",")]
            kept.append((name, b", ".join(token for token in tokens if token.lower() not in _UPGRADE_HEADERS)))
        elif name not in _UPGRADE_HEADERS:
            kept.append((name, value))
    return _head(b"%s %s HTTP/%s" % (method, target, http_version.encode()), kept)


def _head(first_line: bytes, headers: Headers) -> bytes:
    return b"".join([first_line, b"\r\n", *(b"%s: %s\r\n" % header for header in headers), b"\r\n"])
