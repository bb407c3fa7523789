"""Asks HTTP requests for a key, or for the session of who has signed in with one."""

from collections.abc import Mapping

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from services.access import keys
from services.access.gate import Gate
from services.common.errors import Unauthenticated
from services.web.sessions import SESSION_COOKIE, check_form, cookie_of

_PUBLIC_PATHS = frozenset({"/", "/sign-in", "/sign-out", "/docs", "/openapi.json", "/healthz", "/readyz", "/metrics"})
"""The page before a photo is sent, the description of the API, and what operators' programs ask for."""

_PUBLIC_FOLDER = "/static/"

_SESSION_PATHS = frozenset({"/predict"})
"""Where a session does as well as a key. Their routes call `confirm`, because browsers send cookies unasked."""


def needed_scope(path: str) -> keys.Scope | None:
    """Returns the scope that a request for this path needs; None if it needs no key."""
    if path in _PUBLIC_PATHS or path.startswith(_PUBLIC_FOLDER):
        return None
    if path in ("/predict", "/api/v1/classify", "/api/v1/model"):
        return keys.Scope.CLASSIFY
    return keys.Scope.ADMIN  # so that a new address is closed until it has a line here


async def confirm(gate: Gate, request: HTTPConnection, fields: Mapping[str, str]) -> None:
    """Checks a form that came with a session: that the page has made it, and that the session still goes on.

    Forms that came with a key need no token: only programs send keys.

    Raises:
        FormTokenInvalid: another site may have sent the form.
        SessionEnded, KeyExpired, KeyRevoked, ScopeMissing, AccessUnavailable: the session has ended while the form
            was being sent.
    """
    needed = needed_scope(request.scope["path"])
    if (token := request.state.session) and needed is not None:
        check_form(token, fields)
        await gate.admit_session(token, needed)


class AccessMiddleware:
    """Admits requests with a key that has the scope of their path. It answers before a body is read."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app, self._gate = app, gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        needed = needed_scope(scope["path"]) if scope["type"] == "http" else None
        if needed is not None:
            request = HTTPConnection(scope)
            request.state.session = _session_token(request)
            await self._admit(request, needed)
        await self._app(scope, receive, send)

    async def _admit(self, request: HTTPConnection, needed: keys.Scope) -> keys.Key | None:
        """Returns the key by which a request is admitted; None where it needs none.

        A browser goes on sending the cookie of a session that has ended. Where the scope is public, it is nobody's.
        """
        if request.state.session:
            try:
                return await self._gate.admit_session(request.state.session, needed)
            except Unauthenticated:
                if needed not in self._gate.public:
                    raise
                request.state.session = ""
        return await self._gate.admit(request.headers.getlist("authorization"), needed)


def _session_token(request: HTTPConnection) -> str:
    """Returns the token of the session by which this request is admitted; an empty text if a key decides."""
    is_taken = request.scope["path"] in _SESSION_PATHS and "authorization" not in request.headers
    return cookie_of(request, SESSION_COOKIE) if is_taken else ""
