"""Assembles the web service."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing, nullcontext
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from engine.errors import VergerError
from services.access.gate import Gate
from services.access.own_key import OwnKey
from services.access.quotas.quotas import Quotas
from services.access.start import key_store
from services.common.rpc.channel import open_channel
from services.web import operations
from services.web.access import AccessMiddleware
from services.web.api import docs
from services.web.api import routes as api
from services.web.api.cors import ApiCors
from services.web.api.openapi import DocumentedFastAPI
from services.web.collecting import Collector
from services.web.config import WebSettings
from services.web.middleware import RequestMiddleware, is_quiet
from services.web.open_inference import routes as open_inference
from services.web.page import audit, sign_in
from services.web.page import routes as page
from services.web.page.assets import VersionedFiles
from services.web.page.rendering import Renderer
from services.web.preprocess_client import PreprocessClient
from services.web.problems import MEDIA_TYPE, MethodNotAllowed, NotFound, ParameterInvalid, headers_of, problem_of
from services.web.review import routes as review
from services.web.review.client import ReviewClient
from services.web.state import State
from services.web.uploads.reader import UploadReader

if TYPE_CHECKING:
    from services.access.store import KeyStore

ROUTERS = (
    api.router,
    docs.router,
    open_inference.router,
    operations.router,
    page.router,
    sign_in.router,
    audit.router,
    review.router,
)
ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, Route)]
STATIC = "/static"
MAX_DETAILS = 5
"""Most invalid parameters that an answer names."""

PAGE_PATHS = {"/", "/predict", "/feedback", "/sign-in", "/sign-out", "/docs", audit.PATH, review.PATH}

DESCRIPTION = """Send a photo and get a verdict: what the photo shows, that the model is unsure, or that the photo shows
none of its classes. Errors are problem details (RFC 9457) with a stable `reason`.

“Execute” sends a request and shows it as a curl command with this server's address."""


def create_app(settings: WebSettings) -> FastAPI:
    """Creates the ASGI application. Its channel to the preprocess service is open while the application runs."""
    files = VersionedFiles(STATIC, [*docs.STATIC_FOLDERS, review.STATIC_FOLDER])
    renderer = Renderer(files, docs.TEMPLATES, review.TEMPLATES)
    store = key_store(settings, "web")
    gate = Gate(store, settings.public) if store else None
    quotas = Quotas(store, settings.policy) if store and settings.policy.limits_anything else None

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with (
            _credentials(store, gate) as credentials,
            quotas or nullcontext(),
            open_channel(settings.preprocess_target, settings) as photos,
            open_channel(settings.preprocess_target, settings) as descriptions,
        ):
            preprocess = PreprocessClient(photos, descriptions, settings.request_timeout_seconds, credentials)
            async with _collection(settings, credentials) as (collector, reviewing):
                app.state.verger = State(
                    settings, preprocess, UploadReader(settings), renderer, gate, quotas, collector, reviewing
                )
                yield

    app = DocumentedFastAPI(
        title="Verger",
        version=version("verger-protos"),
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        exception_handlers={HTTPException: _http_exception, RequestValidationError: _invalid_parameter},
        # services.common.process.tracing exports the spans; metrics and logs are this service's own.
        telemetry={"metrics": False, "logs": False, "operation_spans": False, "exclude": is_quiet},
    )
    if gate:
        app.asks_for_keys, app.public_scopes = True, gate.public
        app.add_middleware(AccessMiddleware, gate=gate, quotas=quotas)
    app.add_middleware(RequestMiddleware, respond=error_response, routes=ROUTES)
    if settings.cors_origins:  # around the other, so that programs can read its problems as well
        app.add_middleware(ApiCors, origins=settings.cors_origins.split())
    for router in ROUTERS:
        app.include_router(router)
    app.mount(STATIC, files)
    return app


@asynccontextmanager
async def _collection(
    settings: WebSettings, credentials: Callable[[], Sequence[tuple[str, str]]]
) -> AsyncIterator[tuple[Collector | None, ReviewClient | None]]:
    """Yields the clients of the collection: what gives it photos, unless none are kept, and what shows them."""
    if not settings.collection_target:
        yield None, None
        return
    async with open_channel(settings.collection_target, settings) as channel:
        timeout = settings.request_timeout_seconds
        collector = Collector(channel, timeout, credentials)
        yield collector if settings.keeps_photos else None, ReviewClient(channel, timeout, credentials)
        await collector.close()


@asynccontextmanager
async def _credentials(
    store: "KeyStore | None", gate: Gate | None
) -> AsyncIterator[Callable[[], Sequence[tuple[str, str]]]]:
    """Keeps the gate up to date, and yields what makes the metadata by which preprocess recognises this process."""
    if store is None or gate is None:
        yield tuple
        return
    with closing(store):
        async with gate, OwnKey(store) as own_key:
            yield own_key.metadata


async def error_response(request: Request, error: VergerError) -> Response:
    """Makes the response for an error: the page for browsers, a problem document or the protocol's for programs."""
    path, accepted = request.url.path, request.headers.get("accept", "")
    if open_inference.is_of_protocol(path):
        return open_inference.error_answer(error)
    if path in PAGE_PATHS or ("text/html" in accepted and not path.startswith(api.router.prefix)):
        return await page.error_page(request, error)
    problem = problem_of(error)
    return Response(problem.model_dump_json(), problem.status, headers_of(error), MEDIA_TYPE)


async def _http_exception(request: Request, error: HTTPException) -> Response:
    """Replaces Starlette's own responses to unknown addresses and methods."""
    if error.status_code == 405:
        error.headers = {"Allow": _allowed_methods(request)}
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=error.headers)
    errors = {404: NotFound("There is nothing at this address."), 405: MethodNotAllowed("Use another HTTP method.")}
    response = await error_response(request, errors.get(error.status_code) or VergerError(error.detail))
    response.headers.update(error.headers or {})
    return response


def _allowed_methods(request: Request) -> str:
    """Returns the methods of all routes at this address. HEAD comes with GET, see middleware.py."""
    at_address = [route.methods or set() for route in ROUTES if route.matches(request.scope)[0] is not Match.NONE]
    allowed = {"OPTIONS"}.union(*at_address)
    return ", ".join(sorted(allowed | {"HEAD"} if "GET" in allowed else allowed))


async def _invalid_parameter(request: Request, error: RequestValidationError) -> Response:
    """Replaces FastAPI's own response to invalid parameters, the only part of a request that FastAPI validates here."""
    details = "; ".join(f"{item['loc'][-1]}: {item['msg']}" for item in error.errors()[:MAX_DETAILS])
    return await error_response(request, ParameterInvalid(f"Correct the query parameters. {details}."))
