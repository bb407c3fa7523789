"""Around every HTTP request: its id, log line, metrics and security headers, and what happens when all else fails."""

import time
from collections.abc import Awaitable, Callable

import structlog
from prometheus_client import Counter, Gauge, Histogram
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.errors import VergerError
from services.common.errors import RequestIdTooLong
from services.common.process.metrics import SECONDS
from services.common.rpc.request_ids import checked_request_id

log = structlog.get_logger(__name__)

REQUESTS = Counter("verger_http_requests_total", "Finished HTTP requests", ["method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "verger_http_request_seconds", "Duration of HTTP requests, uploads included", ["route"], buckets=SECONDS
)
REQUESTS_IN_FLIGHT = Gauge("verger_http_requests_in_flight", "HTTP requests being answered")

_QUIET = ("/healthz", "/readyz", "/metrics", "/static/")
CLIENT_GONE = 499
"""nginx's name for requests whose client left before the answer; for logs and metrics, never sent."""

SECURITY_HEADERS = {
    # No inline script or style anywhere; pictures also from the page itself (the photo) and from the browser (preview).
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
    "img-src 'self' data: blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_RAW_SECURITY_HEADERS = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]

ErrorResponder = Callable[[Request, VergerError], Awaitable[Response]]


class RequestMiddleware:
    """Wraps the whole application. Plain ASGI, so that bodies pass through untouched."""

    def __init__(self, app: ASGIApp, respond: ErrorResponder) -> None:
        """respond makes the answer to an error that a route raised."""
        self._app = app
        self._respond = respond

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        started, status, refusal = time.perf_counter(), None, None
        try:
            request_id = checked_request_id(Headers(scope=scope).get("x-request-id", ""))
        except RequestIdTooLong as error:
            request_id, refusal = checked_request_id(""), error
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own_headers = [*_RAW_SECURITY_HEADERS, (b"x-request-id", request_id.encode("latin-1"))]
                message["headers"] = [*message["headers"], *own_headers]
            try:
                await send(message)
            except RuntimeError as error:
                if "handler is closed" not in str(error):  # uvloop's words for a client that left a moment ago
                    raise
                raise ClientDisconnect from error

        REQUESTS_IN_FLIGHT.inc()
        try:
            if refusal is not None:
                raise refusal
            await self._app(scope, receive, send_with_headers)
        except ClientDisconnect:
            pass  # nobody is left to answer to
        except Exception as error:
            if status is not None:
                raise  # too late for another answer; the server closes the connection
            response = await self._respond(Request(scope, receive), _answerable(error))
            await response(scope, receive, send_with_headers)
        finally:
            REQUESTS_IN_FLIGHT.dec()
            _record(scope, status or CLIENT_GONE, time.perf_counter() - started)


def _answerable(error: Exception) -> VergerError:
    if isinstance(error, VergerError):
        return error
    log.error("request failed", exc_info=error)
    return VergerError("Something went wrong here; the log of this service says what.")


def is_quiet(scope: Scope) -> bool:
    """Whether a request comes so often, and says so little, that logs and traces are better without it."""
    return str(scope["path"]).startswith(_QUIET)


def _record(scope: Scope, status: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", "other")
    REQUESTS.labels(scope["method"], route, status).inc()
    REQUEST_SECONDS.labels(route).observe(seconds)
    write = log.debug if is_quiet(scope) else log.info
    write("request", method=scope["method"], path=scope["path"], status=status, seconds=round(seconds, 4))
