"""What POST /api/v1/classify answers to bad photos and requests, in front of a scripted preprocess service."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from PIL import Image

from services.common.errors import InferenceUnavailable, ModelNotLoaded, Overloaded
from tests.support.page.scripted_classifier import BANANA, ScriptedClassifier, form
from tests.support.pictures.photos import encoded, scene

CLASSIFY = "/api/v1/classify"
PHOTO = encoded(scene())
PROBLEM = "application/problem+json"


def truncated() -> bytes:
    return PHOTO[: len(PHOTO) // 2]


def corrupt() -> bytes:
    photo = bytearray(encoded(scene(), "PNG"))
    photo[60:90] = bytes(30)
    return bytes(photo)


def bomb() -> bytes:
    return encoded(Image.new("1", (12_000, 12_000)), "PNG")


async def test_a_bad_photo_does_not_affect_the_others(client: httpx.AsyncClient) -> None:
    files = form(("good.jpg", PHOTO), ("half.jpg", truncated()), ("large.bmp", bytes(200_001)), ("also.jpg", PHOTO))
    response = await client.post(CLASSIFY, files=files)
    assert response.status_code == 200
    results = response.json()["results"]
    assert [result["filename"] for result in results] == ["good.jpg", "half.jpg", "large.bmp", "also.jpg"]
    assert [result["verdict"] for result in results] == ["RECOGNISED", None, None, "RECOGNISED"]
    assert [result["error"] and result["error"]["reason"] for result in results] == [
        None,
        "IMAGE_TRUNCATED",
        "IMAGE_TOO_LARGE",
        None,
    ]
    assert results[1]["error"].keys() == {"type", "title", "status", "detail", "reason"}
    assert (results[1]["error"]["status"], results[1]["predictions"]) == (422, [])


@pytest.mark.parametrize(
    ("photo", "status", "reason"),
    [
        (lambda: b"", 400, "IMAGE_EMPTY"),
        (lambda: b"This is not a picture.", 415, "IMAGE_FORMAT_UNSUPPORTED"),
        (lambda: bytes(200_001), 413, "IMAGE_TOO_LARGE"),
        (bomb, 413, "IMAGE_TOO_MANY_PIXELS"),
        (truncated, 422, "IMAGE_TRUNCATED"),
        (corrupt, 422, "IMAGE_CORRUPT"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("raw", [True, False], ids=["raw", "form"])
async def test_a_single_bad_photo_is_a_problem(
    client: httpx.AsyncClient, photo: Callable[[], bytes], status: int, reason: str, raw: bool
) -> None:
    content = photo()
    sent: dict[str, Any] = {"content": content} if raw else {"files": form(("x.jpg", content))}
    response = await client.post(CLASSIFY, **sent)
    assert (response.status_code, response.headers["content-type"]) == (status, PROBLEM)
    assert response.json()["reason"] == reason
    assert response.json()["status"] == status
    assert len(response.json()["detail"]) > 20


async def test_each_of_several_bad_photos_has_its_own_error(client: httpx.AsyncClient) -> None:
    response = await client.post(CLASSIFY, files=form(("a", b"text"), ("b", truncated())))
    assert response.status_code == 200
    assert response.json()["model"] is None
    reasons = [result["error"]["reason"] for result in response.json()["results"]]
    assert reasons == ["IMAGE_FORMAT_UNSUPPORTED", "IMAGE_TRUNCATED"]


@pytest.mark.parametrize(
    ("error", "status", "seconds"), [(Overloaded("Full."), 429, "1"), (ModelNotLoaded("None."), 503, "2")]
)
async def test_overload_and_unavailability_are_answered_with_retry_after(
    client: httpx.AsyncClient,
    classifier: ScriptedClassifier,
    error: Overloaded | ModelNotLoaded,
    status: int,
    seconds: str,
) -> None:
    classifier.outcomes = [error]
    for files in (form(("a", PHOTO)), form(("a", PHOTO), ("b", PHOTO))):
        response = await client.post(CLASSIFY, files=files)
        assert (response.status_code, response.json()["reason"]) == (status, error.reason)
        assert response.headers["retry-after"] == seconds


async def test_overload_of_one_photo_does_not_affect_the_others(
    client: httpx.AsyncClient, classifier: ScriptedClassifier
) -> None:
    classifier.outcomes = [Overloaded("Full."), BANANA]
    response = await client.post(CLASSIFY, files=form(("a", PHOTO), ("b", PHOTO)))
    assert response.status_code == 200
    assert sorted(result["verdict"] or "" for result in response.json()["results"]) == ["", "RECOGNISED"]


async def test_unavailability_among_bad_photos_is_the_error_of_its_photo_alone(
    client: httpx.AsyncClient, classifier: ScriptedClassifier
) -> None:
    classifier.outcomes = [InferenceUnavailable("Away.")]
    response = await client.post(CLASSIFY, files=form(("a", PHOTO), ("b", b"text")))
    assert response.status_code == 200
    reasons = [result["error"]["reason"] for result in response.json()["results"]]
    assert reasons == ["INFERENCE_UNAVAILABLE", "IMAGE_FORMAT_UNSUPPORTED"]


@pytest.mark.parametrize(
    ("sent", "status", "reason"),
    [
        ({"files": [("photo", ("x.jpg", PHOTO))]}, 400, "FILE_MISSING"),
        ({"files": [("file", ("", b""))]}, 400, "FILE_MISSING"),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 400, "MULTIPART_INVALID"),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data; boundary=y"}}, 400, "MULTIPART_INVALID"),
        ({"files": form(*[("x", b"x")] * 10)}, 413, "TOO_MANY_FILES"),
        ({"files": form(*[("x", bytes(150_000))] * 4)}, 413, "REQUEST_TOO_LARGE"),
        ({"content": PHOTO, "headers": {"X-Request-ID": "x" * 129}}, 400, "REQUEST_ID_TOO_LONG"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_bad_requests_are_problems(
    client: httpx.AsyncClient, classifier: ScriptedClassifier, sent: dict[str, Any], status: int, reason: str
) -> None:
    response = await client.post(CLASSIFY, **sent)
    assert (response.status_code, response.headers["content-type"]) == (status, PROBLEM)
    assert response.json()["reason"] == reason
    assert response.headers["x-request-id"]
    assert classifier.requests == []


@pytest.mark.parametrize("accept", ["*/*", "text/html"])
async def test_an_invalid_parameter_is_a_problem(client: httpx.AsyncClient, accept: str) -> None:
    response = await client.post(f"{CLASSIFY}?evidence=perhaps", content=PHOTO, headers={"Accept": accept})
    assert (response.status_code, response.headers["content-type"]) == (400, PROBLEM)
    assert response.json()["reason"] == "PARAMETER_INVALID"
    assert "evidence: Input should be a valid boolean" in response.json()["detail"]


async def test_unknown_addresses_and_methods_are_problems(client: httpx.AsyncClient) -> None:
    response = await client.get("/api/v1/nothing", headers={"Accept": "text/html"})
    assert (response.status_code, response.json()["reason"]) == (404, "NOT_FOUND")
    response = await client.get(CLASSIFY)
    assert (response.status_code, response.json()["reason"]) == (405, "METHOD_NOT_ALLOWED")
    assert response.headers["allow"] == "OPTIONS, POST"


@pytest.mark.parametrize(
    "query", ["top_k=-1", "top_k=4294967296", "top_k=three", "topk=3", "lang=xx", "lang=", "evidence=true&language=fr"]
)
async def test_wrong_and_unknown_parameters_are_refused(
    client: httpx.AsyncClient, classifier: ScriptedClassifier, query: str
) -> None:
    response = await client.post(f"{CLASSIFY}?{query}", content=PHOTO)
    assert (response.status_code, response.json()["reason"]) == (400, "PARAMETER_INVALID")
    assert query.split("&")[-1].split("=")[0] in response.json()["detail"]
    assert (await client.get("/api/v1/model?x=1")).json()["reason"] == "PARAMETER_INVALID"
    assert classifier.requests == []


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=utf-8", "application/x+json"])
async def test_a_json_body_is_told_what_to_send(client: httpx.AsyncClient, content_type: str) -> None:
    response = await client.post(CLASSIFY, content=b'{"image": ""}', headers={"Content-Type": content_type})
    assert (response.status_code, response.json()["reason"]) == (415, "IMAGE_FORMAT_UNSUPPORTED")
    assert "JSON. Send the bytes" in response.json()["detail"]
