"""POST /api/v1/classify, in front of a scripted preprocess service, and the OpenAPI document."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import httpx
import pytest
from PIL import Image
from pydantic import TypeAdapter
from verger.v1 import classifier_pb2

from services.common.errors import InferenceUnavailable, ModelNotLoaded, Overloaded
from services.web.api.schemas import ClassifyAnswer
from tests.support.page.scripted_classifier import BANANA, ScriptedClassifier, answer, form, web_server
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


async def test_a_photo_gets_a_verdict_and_predictions(client: httpx.AsyncClient) -> None:
    response = await client.post(CLASSIFY, files=form(("lunch.jpg", PHOTO)))
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    (result,) = response.json()["results"]
    assert response.json()["model"] == {"name": "fruit-classifier", "version": "3"}
    assert result.keys() == {"filename", "verdict", "label", "display_name", "predictions", "error"}
    assert (result["filename"], result["verdict"], result["error"]) == ("lunch.jpg", "RECOGNISED", None)
    assert (result["label"], result["display_name"]) == ("banana", "banana")
    assert [item["label"] for item in result["predictions"]] == ["banana", "mango", "apple", "kiwi", "orange"]
    assert [item["probability"] for item in result["predictions"]] == [0.96, 0.02, 0.01, 0.006, 0.004], "not float32"


async def test_preprocess_receives_the_bytes_that_were_sent(
    client: httpx.AsyncClient, classifier: ScriptedClassifier
) -> None:
    await client.post(CLASSIFY, files=form(("lunch.jpg", PHOTO)))
    await client.post(CLASSIFY, content=PHOTO, headers={"Content-Type": "image/jpeg"})
    assert [request.image for request in classifier.requests] == [PHOTO, PHOTO]
    assert {request.top_k for request in classifier.requests} == {0}


@pytest.mark.parametrize("content_type", ["image/jpeg", "application/x-www-form-urlencoded", None])
async def test_a_raw_body_is_a_photo_whatever_its_content_type(
    client: httpx.AsyncClient, content_type: str | None
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    response = await client.post(CLASSIFY, content=PHOTO, headers=headers)
    (result,) = response.json()["results"]
    assert (result["filename"], result["verdict"]) == (None, "RECOGNISED")


@pytest.mark.parametrize(
    ("verdict", "name"),
    [
        (classifier_pb2.VERDICT_RECOGNISED, "RECOGNISED"),
        (classifier_pb2.VERDICT_UNSURE, "UNSURE"),
        (classifier_pb2.VERDICT_OUT_OF_SCOPE, "OUT_OF_SCOPE"),
    ],
)
async def test_each_verdict_has_its_name(
    client: httpx.AsyncClient, classifier: ScriptedClassifier, verdict: classifier_pb2.Verdict, name: str
) -> None:
    classifier.outcomes = [answer({"apple": 0.5, "kiwi": 0.3}, verdict)]
    response = await client.post(CLASSIFY, content=PHOTO)
    (result,) = response.json()["results"]
    assert result["verdict"] == name
    assert result["label"] == ("apple" if name == "RECOGNISED" else None)
    assert result["display_name"] == result["label"]
    assert len(result["predictions"]) == 2


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


async def test_the_request_id_is_passed_on_and_returned(
    client: httpx.AsyncClient, classifier: ScriptedClassifier
) -> None:
    response = await client.post(CLASSIFY, content=PHOTO, headers={"X-Request-ID": "order-4711"})
    assert response.headers["x-request-id"] == "order-4711"
    assert classifier.requests[-1].request_id == "order-4711"
    response = await client.post(CLASSIFY, content=PHOTO)
    assert len(response.headers["x-request-id"]) == 32
    assert classifier.requests[-1].request_id == response.headers["x-request-id"]


async def test_every_call_has_a_deadline(client: httpx.AsyncClient, classifier: ScriptedClassifier) -> None:
    await client.post(CLASSIFY, content=PHOTO)
    (seconds,) = classifier.deadlines
    assert seconds is not None
    assert 0 < seconds < 6  # 5 is this client's setting; its rounding may add a little


async def test_the_newest_version_is_named_when_two_have_answered(
    client: httpx.AsyncClient, classifier: ScriptedClassifier
) -> None:
    classifier.outcomes = [BANANA, answer({"banana": 1}, version="10"), answer({"banana": 1}, version="9")]
    response = await client.post(CLASSIFY, files=form(*[("x", PHOTO)] * 3))
    assert response.json()["model"] == {"name": "fruit-classifier", "version": "10"}


async def test_server_timing_describes_a_single_photo(client: httpx.AsyncClient) -> None:
    response = await client.post(CLASSIFY, content=PHOTO)
    assert (
        response.headers["server-timing"]
        == "decode_queue;dur=0.50, decode;dur=12.25, compute_queue;dur=0.25, compute;dur=9.50"
    )
    response = await client.post(CLASSIFY, files=form(("a", PHOTO), ("b", PHOTO)))
    assert "server-timing" not in response.headers


async def test_openapi_has_an_example_of_every_answer_and_error(client: httpx.AsyncClient) -> None:
    operation = (await client.get("/openapi.json")).json()["paths"][CLASSIFY]["post"]
    assert operation["requestBody"]["content"].keys() == {"multipart/form-data", "image/*", "application/octet-stream"}
    answers = operation["responses"].pop("200")["content"]["application/json"]["examples"]
    shape = TypeAdapter(ClassifyAnswer)
    for example in answers.values():
        for result in shape.validate_python(example["value"], extra="forbid")["results"]:
            assert all(a["probability"] >= b["probability"] for a, b in pairwise(result["predictions"]))
    (with_evidence,) = shape.validate_python(answers["one photo, ?evidence=true"]["value"])["results"]
    evidence = with_evidence["evidence"]
    assert evidence is not None
    assert [len(row) for row in evidence["strength"]] == [evidence["width"]] * evidence["height"]
    assert [(item["name"], item["in"], item["required"]) for item in operation["parameters"]] == [
        ("evidence", "query", False),
        ("top_k", "query", False),
        ("lang", "query", False),
        ("timings", "query", False),
    ]
    assert operation["responses"].keys() == {"400", "408", "413", "415", "422", "429", "503", "504"}
    for status, response in operation["responses"].items():
        for reason, example in response["content"][PROBLEM]["examples"].items():
            assert (example["value"]["status"], example["value"]["reason"]) == (int(status), reason)


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


async def test_as_many_predictions_are_asked_for_as_are_wanted(
    client: httpx.AsyncClient, classifier: ScriptedClassifier
) -> None:
    assert (await client.post(f"{CLASSIFY}?top_k=3", content=PHOTO)).status_code == 200
    assert classifier.requests[-1].top_k == 3


async def test_the_name_of_what_a_photo_shows_is_in_the_wanted_language(
    client: httpx.AsyncClient, classifier: ScriptedClassifier
) -> None:
    classifier.outcomes = [BANANA, Overloaded("Full."), BANANA]
    response = await client.post(f"{CLASSIFY}?lang=fr", files=form(("a", PHOTO), ("b", PHOTO)))
    names = [(result["label"], result["display_name"]) for result in response.json()["results"]]
    assert sorted(names, key=str) == [("banana", "banane"), (None, None)]  # the photos may arrive in any order
    await client.post(f"{CLASSIFY}?lang=fr", content=PHOTO)
    assert classifier.describe_calls == 1, "names of a known version need no further question"


@pytest.mark.parametrize("lang", ["en", "fr"])
async def test_while_a_version_has_no_description_its_labels_serve_as_names(
    client: httpx.AsyncClient, classifier: ScriptedClassifier, lang: str
) -> None:
    await client.get("/api/v1/model")
    classifier.description_error = ModelNotLoaded("None.")
    classifier.outcomes = [answer({"hammer": 0.9, "banana": 0.1}, version="4")]
    (result,) = (await client.post(f"{CLASSIFY}?lang={lang}", content=PHOTO)).json()["results"]
    assert (result["verdict"], result["label"], result["display_name"]) == ("RECOGNISED", "hammer", "hammer")


async def test_times_stand_in_the_body_where_they_are_asked_for(
    client: httpx.AsyncClient, classifier: ScriptedClassifier
) -> None:
    files = form(("a", PHOTO), ("b", b"text"))
    results = (await client.post(f"{CLASSIFY}?timings=true", files=files)).json()["results"]
    steps = {"decode_queue_ms": 0.5, "decode_ms": 12.25, "compute_queue_ms": 0.25, "compute_ms": 9.5}
    assert [result["timings"] for result in results] == [steps, None]
    assert all("timings" not in result for result in (await client.post(CLASSIFY, files=files)).json()["results"])


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


async def test_pages_of_named_origins_may_call_the_api(preprocess_port: int) -> None:
    shop, other = {"Origin": "https://shop.example"}, {"Origin": "https://other.example"}
    ask = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-request-id"}
    async with (
        web_server(preprocess_port, cors_origins="https://shop.example http://localhost:3000") as address,
        httpx.AsyncClient(base_url=address) as client,
    ):
        allowed = [
            await client.options(CLASSIFY, headers=shop | ask),
            await client.post(CLASSIFY, content=PHOTO, headers=shop),
            await client.post(CLASSIFY, content=b"text", headers=shop),
        ]
        assert [response.status_code for response in allowed] == [200, 200, 415]
        origins = [response.headers["access-control-allow-origin"] for response in allowed]
        assert origins == ["https://shop.example"] * 3
        assert "X-Request-ID" in allowed[1].headers["access-control-expose-headers"]
        refused = [
            await client.options(CLASSIFY, headers=other | ask),
            await client.post(CLASSIFY, content=PHOTO, headers=other),
            await client.get("/metrics", headers=shop),
        ]
        assert [response.headers.get("access-control-allow-origin") for response in refused] == [None] * 3


async def test_no_other_origin_may_call_the_api_by_default(client: httpx.AsyncClient) -> None:
    response = await client.post(CLASSIFY, content=PHOTO, headers={"Origin": "https://shop.example"})
    assert "access-control-allow-origin" not in response.headers
