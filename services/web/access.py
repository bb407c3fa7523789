"""Asks HTTP requests for a key."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from services.access import keys
from services.access.gate import Gate

_PUBLIC_PATHS = frozenset({"/", "/docs", "/openapi.json", "/healthz", "/readyz", "/metrics"})
"""The page before a photo is sent, the description of the API, and what operators' programs ask for."""

_PUBLIC_FOLDER = "/static/"


def needed_scope(path: str) -> keys.Scope | None:
    """Returns the scope that a request for this path needs; None if it needs no key."""
    if path in _PUBLIC_PATHS or path.startswith(_PUBLIC_FOLDER):
        return None
    if path in ("/predict", "/api/v1/classify", "/api/v1/model"):
        return keys.Scope.CLASSIFY
    return keys.Scope.ADMIN  # so that a new address is closed until it has a line here


class AccessMiddleware:
    """Admits requests with a key that has the scope of their path. It answers before a body is read."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app, self._gate = app, gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        needed = needed_scope(scope["path"]) if scope["type"] == "http" else None
        if needed is not None:
            await self._gate.admit(Headers(scope=scope).getlist("authorization"), needed)
        await self._app(scope, receive, send)
