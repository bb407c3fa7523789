"""The API's interactive documentation: Swagger UI, served without any other server."""

from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.web.state import state_of

TEMPLATES = Path(__file__).parent / "templates"

STATIC_FOLDERS = [("services.web.api", "static"), ("fastapi_offline", "static")]
"""Packages and the folders in them whose files the documentation loads; fastapi_offline brings Swagger UI."""

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def api_docs(request: Request) -> Response:
    """Shows Swagger UI for this service's OpenAPI document."""
    return state_of(request).renderer.render(request, "api_docs.html")
