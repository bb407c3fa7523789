"""For those who run Verger: health, readiness, metrics."""

import prometheus_client
from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.web.api.openapi import UNAVAILABLE, problems
from services.web.api.schemas import Health
from services.web.state import state_of

router = APIRouter(tags=["operations"])


@router.get("/healthz", summary="Is this process alive?")
async def healthz() -> Health:
    """Asks nobody else: a process that answers need not be restarted."""
    return Health()


@router.get(
    "/readyz",
    summary="Can photos be classified?",
    responses=problems(UNAVAILABLE),
)
async def readyz(request: Request) -> Health:
    """Asks through the whole chain, at this very moment."""
    await state_of(request).classifier.describe()
    return Health()


@router.get("/metrics", summary="Metrics for Prometheus", response_class=Response)
async def metrics() -> Response:
    """In Prometheus' text format."""
    return Response(prometheus_client.generate_latest(), media_type=prometheus_client.CONTENT_TYPE_LATEST)
