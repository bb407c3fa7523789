"""Puts the web service together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from engine.errors import VergerError
from services.common.rpc.channel import open_channel
from services.web import operations
from services.web.api import routes as api
from services.web.api.openapi import DocumentedFastAPI
from services.web.config import WebSettings
from services.web.middleware import RequestMiddleware, is_quiet
from services.web.page import routes as page
from services.web.page.assets import VersionedFiles
from services.web.page.rendering import Renderer
from services.web.preprocess_client import Classifier
from services.web.problems import MEDIA_TYPE, MethodNotAllowed, NotFound, ParameterInvalid, headers_of, problem_of
from services.web.state import State
from services.web.uploads.reader import UploadReader

STATIC = "/static"
PAGE_PATHS = {"/", "/predict", "/docs"}

DESCRIPTION = """Photos in, honest answers out: what a photo shows, whether the model is unsure, or that the photo shows
none of its classes. Errors are problem details (RFC 9457) with a stable `reason`.

    curl -F file=@photo.jpg http://localhost:8000/api/v1/classify
    curl --data-binary @photo.jpg -H 'Content-Type: image/jpeg' http://localhost:8000/api/v1/classify
"""


def create_app(settings: WebSettings) -> FastAPI:
    """Makes the ASGI application. Its channel to the preprocess service is open while the application runs."""
    files = VersionedFiles(STATIC)
    renderer = Renderer(files)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_channel(settings.preprocess_target, settings) as channel:
            classifier = Classifier(channel, settings.request_timeout_seconds)
            app.state.verger = State(settings, classifier, UploadReader(settings), renderer)
            yield

    app = DocumentedFastAPI(
        title="Verger",
        version="1",
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        exception_handlers={HTTPException: _http_exception, RequestValidationError: _invalid_parameter},
        # Spans go where services.common.process.tracing sends them; metrics and logs are this service's own.
        telemetry={"metrics": False, "logs": False, "operation_spans": False, "exclude": is_quiet},
    )
    app.add_middleware(RequestMiddleware, respond=respond)
    app.include_router(api.router)
    app.include_router(operations.router)
    app.include_router(page.router)
    app.mount(STATIC, files)
    return app


async def respond(request: Request, error: VergerError) -> Response:
    """Answers an error: people get the page, programs a problem document."""
    path, accepted = request.url.path, request.headers.get("accept", "")
    if path in PAGE_PATHS or ("text/html" in accepted and not path.startswith(api.router.prefix)):
        return await page.error_page(request, error)
    problem = problem_of(error)
    return Response(problem.model_dump_json(), problem.status, headers_of(error), MEDIA_TYPE)


async def _http_exception(request: Request, error: HTTPException) -> Response:
    """Says in Verger's own way what the router and the static files refuse."""
    refusals = {404: NotFound("There is nothing at this address."), 405: MethodNotAllowed("Use another HTTP method.")}
    response = await respond(request, refusals.get(error.status_code) or VergerError(error.detail))
    response.headers.update(error.headers or {})
    return response


async def _invalid_parameter(request: Request, error: RequestValidationError) -> Response:
    """Says in Verger's own way which parameters the router refuses; FastAPI reads nothing else for us."""
    refused = "; ".join(f"{complaint['loc'][-1]}: {complaint['msg']}" for complaint in error.errors())
    return await respond(request, ParameterInvalid(f"Correct the parameters of the address. {refused}."))
