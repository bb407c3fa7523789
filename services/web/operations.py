"""Endpoints for operators: health, readiness and metrics."""

from typing import Literal

import prometheus_client
from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel

from services.web.api.openapi import UNAVAILABLE_ERRORS, problem_responses
from services.web.state import state_of

router = APIRouter(tags=["operations"])


class Health(BaseModel):
    """Says that the service is healthy; if it is not, the answer is a problem."""

    status: Literal["ok"] = "ok"


@router.get("/healthz", summary="Is this process alive?")
async def healthz() -> Health:
    """Calls no other service. A process that answers need not be restarted."""
    return Health()


@router.get(
    "/readyz",
    summary="Can photos be classified?",
    responses=problem_responses(UNAVAILABLE_ERRORS),
)
async def readyz(request: Request) -> Health:
    """Calls preprocess, which calls inference, each time it is requested."""
    await state_of(request).preprocess.describe()
    return Health()


@router.get("/metrics", summary="Metrics for Prometheus", response_class=Response)
async def metrics() -> Response:
    """Returns all metrics in Prometheus' text format."""
    return Response(prometheus_client.generate_latest(), media_type=prometheus_client.CONTENT_TYPE_LATEST)
