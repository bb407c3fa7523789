"""POST /api/v1/classify, in front of a scripted preprocess service, and the OpenAPI document."""

from itertools import pairwise

import httpx
import pytest
from pydantic import TypeAdapter
from verger.v1 import classifier_pb2

from services.common.errors import ModelNotLoaded, Overloaded
from services.web.api.schemas import ClassifyAnswer
from tests.support.page.scripted_classifier import BANANA, ScriptedClassifier, answer, form, web_server
from tests.support.pictures.photos import encoded, scene

CLASSIFY = "/api/v1/classify"
PHOTO = encoded(scene())
PROBLEM = "application/problem+json"


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
