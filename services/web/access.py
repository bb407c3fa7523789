"""Asks HTTP requests for a key, or for the session of who has signed in with one."""

import re
from collections.abc import Mapping, Sequence
from functools import partial

from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.access import keys
from services.access.gate import Gate
from services.access.quotas.policy import Caller, caller_of
from services.access.quotas.quotas import Quotas
from services.common.errors import Unauthenticated
from services.common.process.addresses import address_named, is_loopback
from services.web.config import WebSettings
from services.web.sessions import SESSION_COOKIE, check_form, cookie_of
from services.web.uploads.forms import Upload

_PUBLIC_PATHS = frozenset(
    {"/", "/sign-in", "/sign-out", "/docs", "/openapi.json", "/healthz", "/readyz", "/metrics"}
    | {"/v2", "/v2/health/live", "/v2/health/ready"}
)
"""The page before a photo is sent, the description of the API, and what operators' programs ask for."""

_PUBLIC_FOLDER = "/static/"

_PHOTO_PATHS = frozenset({"/predict", "/feedback", "/api/v1/classify", "/api/v1/feedback"})
"""Where quotas count requests, their bytes and their photos, beside _INFER_PATH. A request without a photo counts as
one."""

_MODELS_FOLDERS = ("/v2/models/", "/v2/repository/")

_INFER_PATH = re.compile(r"/v2/models/[^/]+(/versions/[^/]+)?/infer")

_SESSION_PATHS = frozenset({"/predict", "/feedback", "/audit"})
"""Where a session does as well as a key. Routes that change something call `confirm`, because browsers send cookies
unasked."""


REVIEW_PATH = "/review"
"""The page for reviewers; what it loads and sends lies below."""

DELETIONS_PATH = "/review/deletions"


def needed_scope(path: str) -> keys.Scope | None:
    """Returns the scope that a request for this path needs; None if it needs no key."""
    if path in _PUBLIC_PATHS or path.startswith(_PUBLIC_FOLDER):
        return None
    if path in ("/predict", "/api/v1/classify", "/api/v1/model") or path.startswith(_MODELS_FOLDERS):
        return keys.Scope.CLASSIFY
    if path in ("/feedback", "/api/v1/feedback"):
        return keys.Scope.FEEDBACK
    if _is_review(path) and path != DELETIONS_PATH:
        return keys.Scope.REVIEW
    return keys.Scope.ADMIN  # for the audit, and so that a new address is closed until it has a line here


def takes_photos(path: str) -> bool:
    """Whether quotas count the requests for this path."""
    return path in _PHOTO_PATHS or _INFER_PATH.fullmatch(path) is not None


def reviews_openly(settings: WebSettings, request: HTTPConnection) -> bool:
    """Whether a request may see kept photos where nobody is asked for a key: on this machine alone, by a name of its
    own, which the page of another site does not have.
    """
    is_local = not settings.asks_for_keys and is_loopback(settings.bind_address)
    return is_local and is_loopback(request.url.hostname or "")


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


async def count_rest(quotas: Quotas, request: Request, uploads: Sequence[Upload]) -> None:
    """Counts the photos of a request that has been read: all but the first, and the bytes of all if it did not say
    before how many it has.

    Raises:
        QuotaExceeded, QuotaTooSmall: they are too many.
    """
    caller: Caller | None = request.state.caller
    size = 0 if "content-length" in request.headers else sum(len(upload.image) for upload in uploads)
    if caller:
        await quotas.take(caller, max(0, len(uploads) - 1), size)


class AccessMiddleware:
    """Admits requests with a key that has the scope of their path, and counts those with photos. It answers before a
    body is read.
    """

    def __init__(self, app: ASGIApp, gate: Gate, quotas: Quotas | None) -> None:
        self._app, self._gate, self._quotas = app, gate, quotas

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        needed = needed_scope(scope["path"]) if scope["type"] == "http" else None
        if needed is None:
            return await self._app(scope, receive, send)
        request = HTTPConnection(scope)
        request.state.session = _session_token(request)
        request.state.key = key = await self._admit(request, needed)
        caller = caller_of(key, address_named(request.client.host if request.client else ""))
        request.state.caller = caller
        if self._quotas is None or caller is None or scope["method"] != "POST" or not takes_photos(scope["path"]):
            return await self._app(scope, receive, send)
        with self._quotas.call(caller):
            await self._quotas.take(caller, 1, int(request.headers.get("content-length", 0)))
            await self._app(scope, receive, partial(_send_with_fields, self._quotas, caller, send))

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


async def _send_with_fields(quotas: Quotas, caller: Caller, send: Send, message: Message) -> None:
    """Adds the RateLimit fields to an answer."""
    if message["type"] == "http.response.start":
        fields = [(name.lower().encode(), value.encode()) for name, value in quotas.fields(caller).items()]
        message["headers"] = [*message["headers"], *fields]
    await send(message)


def _session_token(request: HTTPConnection) -> str:
    """Returns the token of the session by which this request is admitted; an empty text if a key decides."""
    path = request.scope["path"]
    is_taken = (path in _SESSION_PATHS or _is_review(path)) and "authorization" not in request.headers
    return cookie_of(request, SESSION_COOKIE) if is_taken else ""


def _is_review(path: str) -> bool:
    return path == REVIEW_PATH or path.startswith(f"{REVIEW_PATH}/")
