"""What the web service does while preprocess restarts, is unavailable, is slow, or changes its model."""

import asyncio

import httpx
import pytest

from engine.errors import ContractUnsupported
from tests.support.page.scripted_classifier import (
    ScriptedClassifier,
    answer,
    description,
    scripted_server,
    web_server,
)
from tests.support.pictures.photos import encoded, scene
from tests.support.servers.mlflow_server import free_port
from tests.support.waiting import eventually

CLASSIFY = "/api/v1/classify"
PHOTO = encoded(scene())


async def test_a_request_waits_for_a_preprocess_service_that_restarts(classifier: ScriptedClassifier) -> None:
    port = free_port()
    async with web_server(port) as address, httpx.AsyncClient(base_url=address, timeout=30) as client:
        async with scripted_server(classifier, port):
            assert (await client.post(CLASSIFY, content=PHOTO)).status_code == 200
        waiting = asyncio.create_task(client.post(CLASSIFY, content=PHOTO))
        # The readiness check has failed because nobody listens, so the request above is waiting for the connection.
        assert (await client.get("/readyz")).status_code == 503
        assert not waiting.done()
        async with scripted_server(classifier, port):
            assert (await waiting).status_code == 200


async def test_a_request_in_flight_is_retried_when_its_server_stops(classifier: ScriptedClassifier) -> None:
    port = free_port()
    async with web_server(port) as address, httpx.AsyncClient(base_url=address, timeout=30) as client:
        classifier.gate.clear()
        async with scripted_server(classifier, port):
            in_flight = asyncio.create_task(client.post(CLASSIFY, content=PHOTO))
            await classifier.arrivals.acquire()
        classifier.gate.set()
        async with scripted_server(classifier, port):
            assert (await in_flight).status_code == 200
    assert len(classifier.requests) == 2


async def test_an_unavailable_preprocess_service_is_reported() -> None:
    async with (
        web_server(free_port(), request_timeout_seconds=0.5) as address,
        httpx.AsyncClient(base_url=address, timeout=30) as client,
    ):
        for response in (await client.post(CLASSIFY, content=PHOTO), await client.get("/api/v1/model")):
            assert response.status_code == 503
            assert response.headers["retry-after"] == "2"
            assert response.json()["reason"] == "UNAVAILABLE"
            assert response.json()["detail"] == "The classifier is temporarily unavailable. Try again in a few seconds."


async def test_a_call_that_exceeds_its_deadline_is_cancelled(
    classifier: ScriptedClassifier, preprocess_port: int
) -> None:
    classifier.gate.clear()
    async with (
        web_server(preprocess_port, request_timeout_seconds=0.3) as address,
        httpx.AsyncClient(base_url=address, timeout=30) as client,
    ):
        response = await client.post(CLASSIFY, content=PHOTO)
        assert (response.status_code, response.json()["reason"]) == (504, "DEADLINE_EXCEEDED")
        await classifier.cancelled.wait()


async def test_errors_of_the_services_are_passed_on(client: httpx.AsyncClient, classifier: ScriptedClassifier) -> None:
    classifier.outcomes = [ContractUnsupported("Update Verger.")]
    problem = (await client.post(CLASSIFY, content=PHOTO)).json()
    assert (problem["status"], problem["reason"], problem["detail"]) == (503, "CONTRACT_UNSUPPORTED", "Update Verger.")


async def test_concurrent_requests_share_a_description(
    client: httpx.AsyncClient, classifier: ScriptedClassifier
) -> None:
    responses = await asyncio.gather(*(client.get("/api/v1/model") for _ in range(20)))
    assert {response.status_code for response in responses} == {200}
    assert classifier.describe_calls < 20


async def test_a_new_version_appears_without_a_restart(
    client: httpx.AsyncClient, classifier: ScriptedClassifier
) -> None:
    assert (await client.get("/api/v1/model")).json()["version"] == "3"
    classifier.description = description("4")

    async def is_shown() -> bool:
        return bool((await client.get("/api/v1/model")).json()["version"] == "4")

    await eventually(is_shown, "version 4 on the page")


@pytest.mark.parametrize("headers", [{}, {"X-Fragment": "answer"}], ids=["page", "fragment"])
async def test_an_answer_of_a_new_version_uses_its_class_names(
    client: httpx.AsyncClient, classifier: ScriptedClassifier, headers: dict[str, str]
) -> None:
    await client.get("/")
    classifier.description = description("4", {"hammer": "marteau", "saw": "scie"})
    classifier.outcomes = [answer({"hammer": 0.9, "saw": 0.1}, version="4")]
    response = await client.post(
        "/predict", files={"file": ("x.jpg", PHOTO)}, headers=headers | {"Accept-Language": "fr"}
    )
    assert "Marteau" in response.text


@pytest.mark.parametrize("proxy", [{}, {"x-forwarded-for": "not:an,address!"}], ids=["direct", "behind a proxy"])
async def test_the_address_of_the_browser_is_named_to_preprocess(
    classifier: ScriptedClassifier, proxy: dict[str, str]
) -> None:
    browser = httpx.AsyncHTTPTransport(local_address="127.0.0.2")  # not the address that web calls preprocess from
    async with (
        scripted_server(classifier) as port,
        web_server(port) as address,
        httpx.AsyncClient(base_url=address, timeout=30, transport=browser) as client,
    ):
        assert (await client.post(CLASSIFY, content=PHOTO, headers=proxy)).status_code == 200
    assert classifier.metadata[-1]["x-forwarded-for"] == "127.0.0.2"
