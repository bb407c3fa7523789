"""Gives every HTTP request an id, a log line, metrics, the headers that all answers have, and an answer to errors."""

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack

import structlog
from prometheus_client import Counter, Gauge, Histogram
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.errors import VergerError
from services.common.errors import RequestIdTooLong
from services.common.process.metrics import DURATION_BUCKETS_SECONDS
from services.common.rpc.request_ids import checked_request_id
from services.web.conformance import check_host, own_headers
from services.web.problems import HostInvalid

log = structlog.get_logger(__name__)

REQUESTS = Counter("verger_http_requests_total", "Finished HTTP requests", ["method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "verger_http_request_seconds",
    "Duration of HTTP requests, uploads included",
    ["route"],
    buckets=DURATION_BUCKETS_SECONDS,
)
REQUESTS_IN_FLIGHT = Gauge("verger_http_requests_in_flight", "HTTP requests being answered")

_QUIET_PATHS = ("/healthz", "/readyz", "/metrics", "/static/", "/review/thumbnails/")
CLIENT_CLOSED_REQUEST = 499
"""nginx's status for a client that disconnected before the answer. It is logged and counted, but never sent."""

SECURITY_HEADERS = {
    # Forbids inline scripts and styles. Allows data: images (the photo in an answer) and blob: images (its preview).
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
    "img-src 'self' data: blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
STRICT_TRANSPORT_SECURITY = (b"strict-transport-security", b"max-age=31536000")
"""For a year, browsers use HTTPS alone for this host."""
_RAW_SECURITY_HEADERS = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]

MAX_PIECE_BYTES = 64 * 1024

ErrorResponder = Callable[[Request, VergerError], Awaitable[Response]]


class RequestMiddleware:
    """Wraps the whole application. It is plain ASGI, so that bodies are not buffered or copied."""

    def __init__(self, app: ASGIApp, respond: ErrorResponder, routes: Sequence[Route]) -> None:
        """respond makes the response for an error that a route raised; routes are those that metrics name."""
        self._app = app
        self._respond = respond
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        started, status, method = time.perf_counter(), None, scope["method"]
        if method == "HEAD":  # answered as GET; uvicorn, which knows the original, leaves the body out
            scope = {**scope, "method": "GET"}
        request_id, refusal = _checked(scope)
        until_answered = ExitStack()
        scope.setdefault("state", {}).update(request_id=request_id, until_answered=until_answered)

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *own_headers(message["headers"]),
                    *_RAW_SECURITY_HEADERS,
                    (b"x-request-id", request_id.encode("latin-1")),
                ]
                if scope["scheme"] == "https" and not _is_localhost(scope):
                    message["headers"].append(STRICT_TRANSPORT_SECURITY)
            try:
                for piece in _pieces(message):
                    await send(piece)
            except RuntimeError as error:
                if "handler is closed" not in str(error):  # uvloop raises this when the client has just disconnected
                    raise
                raise ClientDisconnect from error

        REQUESTS_IN_FLIGHT.inc()
        try:
            if refusal is not None:
                raise refusal
            await self._app(scope, receive, send_with_headers)
        except ClientDisconnect:
            pass  # there is nobody to answer
        except Exception as error:
            if status is not None:
                raise  # the response has started; uvicorn closes the connection
            response = await self._respond(Request(scope, receive), _answerable(error))
            await response(scope, receive, send_with_headers)
        finally:
            until_answered.close()
            REQUESTS_IN_FLIGHT.dec()
            _record(
                scope, self._route_of(scope), method, status or CLIENT_CLOSED_REQUEST, time.perf_counter() - started
            )

    def _route_of(self, scope: Scope) -> str:
        """Returns the path of the request's route, also for a request that was refused before it was routed."""
        found = scope.get("route") or next(
            (route for route in self._routes if route.matches(scope)[0] is not Match.NONE), None
        )
        return getattr(found, "path", "other")


def _pieces(message: Message) -> Iterator[Message]:
    """Parts a large body, so that the server takes the next piece only when the client has taken the one before."""
    body = message.get("body", b"")
    for start in range(0, len(body) - MAX_PIECE_BYTES, MAX_PIECE_BYTES):
        yield {**message, "body": body[start : start + MAX_PIECE_BYTES], "more_body": True}
    rest = (len(body) - 1) // MAX_PIECE_BYTES * MAX_PIECE_BYTES
    yield {**message, "body": body[rest:]} if rest > 0 else message


def _checked(scope: Scope) -> tuple[str, VergerError | None]:
    """Returns the request's id, and the error of a request that is answered without the application."""
    try:
        request_id = checked_request_id(Headers(scope=scope).get("x-request-id", ""))
        check_host(scope["headers"], scope["http_version"])
    except RequestIdTooLong as error:
        return checked_request_id(""), error
    except HostInvalid as error:
        return request_id, error
    return request_id, None


def _answerable(error: Exception) -> VergerError:
    if isinstance(error, VergerError):
        return error
    log.error("request failed", exc_info=error)
    return VergerError("An unexpected error occurred. The log of the web service has the details.")


def _is_localhost(scope: Scope) -> bool:
    """Whether the host is localhost, whose other ports, MLflow's among them, a browser would no longer open."""
    return Headers(scope=scope).get("host", "").partition(":")[0].lower() == "localhost"


def is_quiet(scope: Scope) -> bool:
    """Whether a request is a health check, a scrape, a static file or a thumbnail; these would flood traces and log."""
    return str(scope["path"]).startswith(_QUIET_PATHS)


def _record(scope: Scope, route: str, method: str, status: int, seconds: float) -> None:
    REQUESTS.labels(method, route, status).inc()
    REQUEST_SECONDS.labels(route).observe(seconds)
    write = log.debug if is_quiet(scope) else log.info
    write("request", method=method, path=scope["path"], status=status, seconds=round(seconds, 4))
