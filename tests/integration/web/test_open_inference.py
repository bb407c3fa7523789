"""The Open Inference Protocol over HTTP, in front of a scripted preprocess service.

tests/conformance holds what every server of the protocol does; here is what only Verger's does.
"""

import base64
import json
import struct
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from verger.v1 import classifier_pb2

from services.common.errors import ModelNotLoaded, Overloaded
from services.common.oip.batches import elements_of
from tests.support.page.guarded_site import GuardedSite
from tests.support.page.scripted_classifier import ScriptedClassifier, answer, description
from tests.support.pictures.photos import encoded, plain, scene

PHOTO, OTHER = encoded(scene()), encoded(plain())
MODEL = "/v2/models/fruit-classifier"
INFER = f"{MODEL}/infer"
LENGTH = "Inference-Header-Content-Length"
UNSURE = answer({"mango": 0.4, "kiwi": 0.35}, classifier_pb2.VERDICT_UNSURE)


def as_json(*photos: bytes, **fields: Any) -> dict[str, Any]:
    data = [base64.b64encode(photo).decode() for photo in photos]
    return {"inputs": [{"name": "image", "datatype": "BYTES", "shape": [len(photos)], "data": data}], **fields}


def as_binary(photos: Sequence[bytes], **fields: Any) -> tuple[bytes, dict[str, str]]:
    """A body with photos behind the JSON, and its headers."""
    binary = b"".join(struct.pack("<I", len(photo)) + photo for photo in photos)
    given = {
        "name": "image",
        "datatype": "BYTES",
        "shape": [len(photos)],
        "parameters": {"binary_data_size": len(binary)},
    }
    head = json.dumps({"inputs": [given], **fields}).encode()
    return head + binary, {LENGTH: str(len(head)), "Content-Type": "application/octet-stream"}


def data_of(response: httpx.Response) -> dict[str, list[Any]]:
    assert response.status_code == 200, response.text
    return {output["name"]: output["data"] for output in response.json()["outputs"]}


async def test_photos_in_json_are_answered_in_their_order(
    client: httpx.AsyncClient, classifier: ScriptedClassifier
) -> None:
    classifier.outcomes = [answer({"banana": 0.96}), UNSURE]
    response = await client.post(INFER, json=as_json(PHOTO))
    assert response.json()["model_name"] == "fruit-classifier"
    assert response.json()["model_version"] == "3"
    assert "id" not in response.json()
    assert data_of(response) == {
        "label": ["banana"],
        "probability": [pytest.approx(0.96)],
        "verdict": ["RECOGNISED"],
    }
    response = await client.post(
        INFER, json=as_json(OTHER, id="mine", outputs=[{"name": "verdict"}, {"name": "label"}])
    )
    assert response.json()["id"] == "mine"
    assert data_of(response) == {"verdict": ["UNSURE"], "label": [""]}
    assert [request.image for request in classifier.requests] == [PHOTO, OTHER]


async def test_photos_in_binary_stay_as_they_are(client: httpx.AsyncClient, classifier: ScriptedClassifier) -> None:
    body, headers = as_binary([PHOTO, OTHER], parameters={"binary_data_output": True})
    response = await client.post(INFER, content=body, headers=headers)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/octet-stream"
    length = int(response.headers[LENGTH])
    outputs, rest = json.loads(response.content[:length])["outputs"], response.content[length:]
    sizes = [output["parameters"]["binary_data_size"] for output in outputs]
    assert sum(sizes) == len(rest)
    assert list(elements_of(rest[: sizes[0]])) == [b"banana", b"banana"]
    assert sorted(request.image for request in classifier.requests) == sorted([PHOTO, OTHER])


async def test_a_photo_alone_may_be_the_whole_body(client: httpx.AsyncClient, classifier: ScriptedClassifier) -> None:
    response = await client.post(INFER, content=PHOTO, headers={LENGTH: "0"})
    assert data_of(response)["label"] == ["banana"]
    assert [request.image for request in classifier.requests] == [PHOTO]


async def test_each_output_is_in_binary_or_in_json_as_it_was_asked_for(client: httpx.AsyncClient) -> None:
    outputs = [{"name": "label", "parameters": {"binary_data": True}}, {"name": "verdict"}]
    response = await client.post(INFER, json=as_json(PHOTO, outputs=outputs))
    length = int(response.headers[LENGTH])
    label, verdict = json.loads(response.content[:length])["outputs"]
    assert "data" not in label
    assert verdict["data"] == ["RECOGNISED"]
    assert list(elements_of(response.content[length:])) == [b"banana"]


@pytest.mark.parametrize("path", [INFER, f"{MODEL}/versions/3/infer", f"{MODEL}/versions/champion/infer"])
async def test_the_live_version_answers_by_its_number_and_by_its_alias(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.post(path, json=as_json(PHOTO))).json()["model_version"] == "3"


async def test_another_version_is_refused_and_a_new_one_answers_at_once(
    client: httpx.AsyncClient, classifier: ScriptedClassifier
) -> None:
    path = f"{MODEL}/versions/4/infer"
    refused = await client.post(path, json=as_json(PHOTO))
    assert (refused.status_code, refused.json()["reason"]) == (404, "VERSION_NOT_LIVE")
    assert "Ask for 3" in refused.json()["error"]
    classifier.description = description("4")
    refused = await client.post(path, json=as_json(PHOTO))
    assert (refused.status_code, refused.json()["reason"]) == (404, "VERSION_NOT_LIVE"), "version 3 has answered"
    classifier.outcomes = [answer({"banana": 0.96}, version="4")]
    assert (await client.post(path, json=as_json(PHOTO))).json()["model_version"] == "4"


async def test_a_bad_photo_is_named_by_its_place_in_the_batch(client: httpx.AsyncClient) -> None:
    response = await client.post(INFER, json=as_json(PHOTO, b"hello"))
    assert (response.status_code, response.json()["reason"]) == (415, "IMAGE_FORMAT_UNSUPPORTED")
    assert response.json()["error"].startswith("Photo 2 of 2: ")


def changed(**changes: Any) -> bytes:
    body = as_json(PHOTO)
    body["inputs"][0].update(changes)
    return json.dumps(body).encode()


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"", 400, "INFER_REQUEST_INVALID"),
        (b"{", 400, "INFER_REQUEST_INVALID"),
        (b"[]", 400, "INFER_REQUEST_INVALID"),
        (b"{}", 400, "INFER_REQUEST_INVALID"),
        (b"\xff\xfe", 400, "INFER_REQUEST_INVALID"),
        (b'{"inputs": []}', 400, "INFER_REQUEST_INVALID"),
        (b'{"inputs": [' * 5000, 400, "INFER_REQUEST_INVALID"),
        (b'{"inputs": [' + b"0," * 50_000, 400, "INFER_REQUEST_INVALID"),
        (changed(name="pixels"), 400, "INFER_REQUEST_INVALID"),
        (changed(data=["not base64!"]), 400, "INFER_REQUEST_INVALID"),
        (changed(data=[1]), 400, "INFER_REQUEST_INVALID"),
        (changed(data=[["aGVsbG8="]]), 400, "INFER_REQUEST_INVALID"),
        (changed(shape=[2**80]), 400, "INFER_REQUEST_INVALID"),
        (changed(parameters={"binary_data_size": 3}), 400, "INFER_REQUEST_INVALID"),
        (changed(parameters={"shared_memory_region": "x"}), 400, "INFER_REQUEST_INVALID"),
        (changed(datatype="FP32"), 400, "TENSOR_DTYPE_UNSUPPORTED"),
        (changed(shape=[1, 1]), 400, "TENSOR_SHAPE_MISMATCH"),
        (changed(shape=[2]), 400, "TENSOR_SIZE_MISMATCH"),
        (changed(shape=[10]), 413, "BATCH_TOO_LARGE"),
        (json.dumps(as_json(PHOTO, id="x" * 129)).encode(), 400, "REQUEST_ID_TOO_LONG"),
        (json.dumps(as_json(PHOTO, outputs=[{"name": "logits"}])).encode(), 400, "INFER_REQUEST_INVALID"),
        (json.dumps(as_json(b"")).encode(), 400, "IMAGE_EMPTY"),
        (json.dumps(as_json(b"x" * 200_001)).encode(), 413, "IMAGE_TOO_LARGE"),
        (json.dumps(as_json(b"x" * 300_000)).encode(), 400, "INFER_REQUEST_INVALID"),
        (b"x" * 600_001, 413, "REQUEST_TOO_LARGE"),
    ],
    ids=lambda value: value.decode("latin-1")[:40] if isinstance(value, bytes) else value,
)
async def test_a_wrong_body_is_refused_with_a_reason(
    client: httpx.AsyncClient, body: bytes, status: int, reason: str
) -> None:
    response = await client.post(INFER, content=body)
    assert response.headers["content-type"] == "application/json"
    assert set(response.json()) == {"error", "reason"}
    assert (response.status_code, response.json()["reason"]) == (status, reason), response.text


async def test_json_of_very_many_elements_is_refused_before_it_takes_memory(client: httpx.AsyncClient) -> None:
    response = await client.post(INFER, content=b'{"inputs": [' + b"[]," * 5001)
    assert (response.status_code, response.json()["reason"]) == (400, "INFER_REQUEST_INVALID")
    assert "too many elements" in response.json()["error"]


@pytest.mark.parametrize("length", ["-1", "x", "1e3", "9" * 30, "999999", "٣", ""])
async def test_a_wrong_length_of_the_json_is_refused(client: httpx.AsyncClient, length: str) -> None:
    response = await client.post(INFER, content=PHOTO, headers={LENGTH.encode(): length.encode()})
    assert (response.status_code, response.json()["reason"]) == (400, "INFER_REQUEST_INVALID")


async def test_bytes_that_belong_to_no_input_are_refused(client: httpx.AsyncClient) -> None:
    body, headers = as_binary([PHOTO])
    response = await client.post(INFER, content=body + b"more", headers=headers)
    assert (response.status_code, response.json()["reason"]) == (400, "INFER_REQUEST_INVALID")
    response = await client.post(INFER, content=body[:-1], headers=headers)
    assert (response.status_code, response.json()["reason"]) == (400, "INFER_REQUEST_INVALID")


@pytest.mark.parametrize("path", ["/v2/models/other", "/v2/models/fruit-classifier-tensor", "/v2/models/other/ready"])
async def test_another_model_is_unknown(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert (response.status_code, response.json()["reason"]) == (404, "MODEL_UNKNOWN")


@pytest.mark.parametrize("path", ["index", "models/fruit-classifier/load", "models/fruit-classifier/unload"])
async def test_loading_and_unloading_are_refused_with_a_reason(client: httpx.AsyncClient, path: str) -> None:
    response = await client.post(f"/v2/repository/{path}")
    assert (response.status_code, response.json()["reason"]) == (501, "MODEL_CONTROL_UNSUPPORTED")


async def test_unknown_addresses_and_methods_are_answered_in_the_form_of_the_protocol(
    client: httpx.AsyncClient,
) -> None:
    for response, status in ((await client.get("/v2/nothing"), 404), (await client.get(INFER), 405)):
        assert response.status_code == status
        assert response.json()["error"]


async def test_a_server_without_a_version_is_alive_and_not_ready(
    client: httpx.AsyncClient, classifier: ScriptedClassifier
) -> None:
    classifier.description_error = ModelNotLoaded("No version is live yet.", since="2026-11-27T09:30:00+00:00")
    assert (await client.get("/v2/health/live")).status_code == 200
    for path in ("/v2/health/ready", f"{MODEL}/ready", MODEL):
        response = await client.get(path)
        assert (response.status_code, response.json()["reason"]) == (503, "MODEL_NOT_LOADED")
        assert response.headers["retry-after"]


async def test_overload_says_when_to_come_back(client: httpx.AsyncClient, classifier: ScriptedClassifier) -> None:
    classifier.outcomes = [Overloaded("All places are taken. Wait a second, then send the request again.")]
    response = await client.post(INFER, json=as_json(PHOTO))
    assert (response.status_code, response.headers["retry-after"]) == (429, "1")
    assert response.json()["reason"] == "OVERLOADED"


async def test_models_need_a_key_and_probes_do_not(site: GuardedSite) -> None:
    client = (await site.visitor()).client
    for path in ("/v2", "/v2/health/live", "/v2/health/ready"):
        assert (await client.get(path)).status_code == 200
    for path in (MODEL, f"{MODEL}/ready", "/v2/models/other", "/v2/nothing"):
        refused = await client.get(path)
        assert (refused.status_code, refused.json()["reason"]) == (401, "KEY_MISSING")
        assert refused.headers["www-authenticate"].startswith("Bearer")
    headers = {"Authorization": f"Bearer {site.key()}"}
    assert (await client.get(MODEL, headers=headers)).status_code == 200
    assert data_of(await client.post(INFER, json=as_json(PHOTO), headers=headers))["label"] == ["banana"]


async def test_quotas_count_the_photos_of_a_batch(site: GuardedSite) -> None:
    client = (await site.visitor(await site.start_web(key_photos_per_minute=5))).client
    headers = {"Authorization": f"Bearer {site.key()}"}
    answered = await client.post(INFER, json=as_json(PHOTO, PHOTO, PHOTO), headers=headers)
    assert answered.headers["ratelimit"].startswith('"photos";r=2;t=')
    refused = await client.post(INFER, json=as_json(PHOTO, PHOTO, PHOTO), headers=headers)
    assert (refused.status_code, refused.json()["reason"]) == (429, "QUOTA_EXCEEDED")
    assert 0 < int(refused.headers["retry-after"]) <= 60
