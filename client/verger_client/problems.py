"""Translates the JSON of Verger's REST API to the client's own types. It does no input or output."""

from collections.abc import Mapping
from typing import Any

from verger_client.answers import Answer, Description, Evidence, ModelClass, Prediction, Verdict
from verger_client.errors import (
    AccessError,
    Busy,
    PhotoError,
    RequestError,
    ServerError,
    Timeout,
    Unavailable,
    VergerError,
)

_BY_STATUS: dict[int, type[VergerError]] = {
    401: AccessError,
    403: AccessError,
    408: Timeout,
    413: PhotoError,
    415: PhotoError,
    429: Busy,
    502: Unavailable,
    503: Unavailable,
    504: Timeout,
}


def answer_of(body: Mapping[str, Any], request_id: str) -> Answer:
    """Returns the answer for a single photo that was sent with ?timings=true."""
    (result,), model = body["results"], body["model"]
    cells = result.get("evidence")
    return Answer(
        verdict=Verdict(result["verdict"]),
        predictions=tuple(Prediction(item["label"], item["probability"]) for item in result["predictions"]),
        model=model["name"],
        version=model["version"],
        request_id=request_id,
        timings_ms={name.removesuffix("_ms"): value for name, value in result["timings"].items()},
        evidence=Evidence(cells["height"], cells["width"], b"".join(map(bytes, cells["strength"]))) if cells else None,
    )


def description_of(body: Mapping[str, Any]) -> Description:
    """Returns the description of the live version."""
    limits = body["limits"]
    return Description(
        model=body["name"],
        version=body["version"],
        classes=tuple(ModelClass(item["label"], item["display_names"]) for item in body["classes"]),
        max_bytes=limits["max_bytes"],
        max_pixels=limits["max_pixels"],
        media_types=tuple(limits["media_types"]),
        few_pictures=body["few_pictures"],
        test_metrics=body["test_metrics"],
    )


def error_of(status: int, body: Any, retry_after: str = "") -> VergerError:
    """Returns the error that an HTTP answer means.

    Args:
        status: its status, 400 or more.
        body: its parsed JSON, where it has any.
        retry_after: its header Retry-After.
    """
    problem = body if isinstance(body, Mapping) else {}
    reason, message = problem.get("reason", ""), problem.get("detail") or f"The server answered HTTP {status}."
    kind = PhotoError if reason.startswith("IMAGE_") else _BY_STATUS.get(status)
    kind = kind or (ServerError if status >= 500 else RequestError)
    return kind(message, reason, float(retry_after) if retry_after.isdecimal() else 0.0)
