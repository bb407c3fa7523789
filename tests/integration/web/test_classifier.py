"""The way to preprocess while it restarts, is away, is slow, or changes its model."""

import asyncio

import httpx
import pytest

from engine.errors import ContractUnsupported
from tests.support.mlflow_server import free_port
from tests.support.photos import encoded, scene
from tests.support.scripted_classifier import (
    ScriptedClassifier,
    answer,
    description,
    scripted_server,
    web_server,
)
from tests.support.waiting import eventually

CLASSIFY = "/api/v1/classify"
PHOTO = encoded(scene())


async def test_a_request_waits_for_a_preprocess_service_that_restarts(classifier: ScriptedClassifier) -> None:
    port = free_port()
    async with web_server(port) as address, httpx.AsyncClient(base_url=address, timeout=30) as client:
        async with scripted_server(classifier, port):
            assert (await client.post(CLASSIFY, content=PHOTO)).status_code == 200
        waiting = asyncio.create_task(client.post(CLASSIFY, content=PHOTO))
        # Nobody listens, and yet the readiness check has answered: the request above is waiting.
        assert (await client.get("/readyz")).status_code == 503
        assert not waiting.done()
        async with scripted_server(classifier, port):
            assert (await waiting).status_code == 200


async def test_a_request_under_way_survives_the_end_of_its_server(classifier: ScriptedClassifier) -> None:
    port = free_port()
    async with web_server(port) as address, httpx.AsyncClient(base_url=address, timeout=30) as client:
        classifier.gate.clear()
        async with scripted_server(classifier, port):
            under_way = asyncio.create_task(client.post(CLASSIFY, content=PHOTO))
            await classifier.arrivals.acquire()
        classifier.gate.set()
        async with scripted_server(classifier, port):
            assert (await under_way).status_code == 200
    assert len(classifier.requests) == 2


async def test_a_preprocess_service_that_stays_away_is_said_so() -> None:
    async with (
        web_server(free_port(), request_timeout_seconds=0.5) as address,
        httpx.AsyncClient(base_url=address, timeout=30) as client,
    ):
        for response in (await client.post(CLASSIFY, content=PHOTO), await client.get("/api/v1/model")):
            assert response.status_code == 503
            assert response.headers["retry-after"] == "2"
            assert response.json()["reason"] == "UNAVAILABLE"
            assert response.json()["detail"] == "The classifier is away for the moment. Try again in a few seconds."


async def test_an_answer_that_takes_too_long_is_given_up(classifier: ScriptedClassifier, preprocess_port: int) -> None:
    classifier.gate.clear()
    async with (
        web_server(preprocess_port, request_timeout_seconds=0.3) as address,
        httpx.AsyncClient(base_url=address, timeout=30) as client,
    ):
        response = await client.post(CLASSIFY, content=PHOTO)
        assert (response.status_code, response.json()["reason"]) == (504, "DEADLINE_EXCEEDED")
        await classifier.cancelled.wait()


async def test_what_the_services_explain_is_passed_on(
    client: httpx.AsyncClient, classifier: ScriptedClassifier
) -> None:
    classifier.outcomes = [ContractUnsupported("Update Verger.")]
    problem = (await client.post(CLASSIFY, content=PHOTO)).json()
    assert (problem["status"], problem["reason"], problem["detail"]) == (503, "CONTRACT_UNSUPPORTED", "Update Verger.")


async def test_many_visitors_share_one_description(client: httpx.AsyncClient, classifier: ScriptedClassifier) -> None:
    responses = await asyncio.gather(*(client.get("/api/v1/model") for _ in range(20)))
    assert {response.status_code for response in responses} == {200}
    assert classifier.descriptions_asked < 20


async def test_a_new_version_shows_by_itself(client: httpx.AsyncClient, classifier: ScriptedClassifier) -> None:
    assert (await client.get("/api/v1/model")).json()["version"] == "3"
    classifier.description = description("4")

    async def shows() -> bool:
        return bool((await client.get("/api/v1/model")).json()["version"] == "4")

    await eventually(shows, "version 4 on the page")


@pytest.mark.parametrize("headers", [{}, {"X-Fragment": "answer"}], ids=["page", "fragment"])
async def test_an_answer_by_a_new_version_is_told_in_its_own_names(
    client: httpx.AsyncClient, classifier: ScriptedClassifier, headers: dict[str, str]
) -> None:
    await client.get("/")
    classifier.description = description("4", {"hammer": "marteau", "saw": "scie"})
    classifier.outcomes = [answer({"hammer": 0.9, "saw": 0.1}, version="4")]
    response = await client.post(
        "/predict", files={"file": ("x.jpg", PHOTO)}, headers=headers | {"Accept-Language": "fr"}
    )
    assert "Marteau" in response.text
