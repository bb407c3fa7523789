"""Lets pages of other origins call the API, and nothing else of this service."""

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from services.web.api.routes import router

_READABLE_HEADERS = ("X-Request-ID", "Retry-After", "Server-Timing")
_MAX_AGE_SECONDS = 3600


class ApiCors(CORSMiddleware):
    """CORS for the paths of the API. Its calls need no cookies, so none are allowed."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        """Allows these origins, for example https://shop.example, or all with *."""
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=("GET", "POST"),
            allow_headers=("*",),
            expose_headers=_READABLE_HEADERS,
            max_age=_MAX_AGE_SECONDS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(router.prefix):
            await super().__call__(scope, receive, send)
        else:
            await self.app(scope, receive, send)
