"""The web service that asks for keys, in front of a preprocess that asks for keys, with one real database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
import pytest
from fastapi.routing import APIRoute
from verger.v1 import classifier_pb2_grpc

from services.access.database import open_database
from services.access.gate import Gate
from services.access.keys import Scope, new_secret
from services.access.rpc import admission
from services.access.store import KeyStore
from services.common.rpc.inbox import Inbox
from services.common.rpc.interceptor import CallInterceptor
from services.preprocess.server import SCOPES
from services.web.access import needed_scope
from services.web.app import ROUTERS
from tests.support.page.scripted_classifier import ScriptedClassifier, form, web_server
from tests.support.pictures.photos import encoded, scene
from tests.support.waiting import eventually

CLASSIFY = "/api/v1/classify"
PHOTO = encoded(scene())
PUBLIC = {"/", "/sign-in", "/sign-out", "/docs", "/healthz", "/readyz", "/metrics"} | {
    "/v2",
    "/v2/health/live",
    "/v2/health/ready",
}


@dataclass
class System:
    """A client of web, the scripted preprocess behind it, and the database of both."""

    client: httpx.AsyncClient
    classifier: ScriptedClassifier
    store: KeyStore
    file: Path

    def key(self, *scopes: Scope) -> str:
        name = f"key {len(self.store.load().keys or ())}"
        return self.store.make(name, "anna", frozenset(scopes), None).text

    async def send(self, key: str | None, path: str = CLASSIFY) -> httpx.Response:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        if path == CLASSIFY:
            return await self.client.post(path, content=PHOTO, headers=headers)
        return await self.client.get(path, headers=headers)


@asynccontextmanager
async def asking_preprocess(classifier: ScriptedClassifier, store: KeyStore) -> AsyncIterator[int]:
    async with Gate(store) as gate:
        interceptor = CallInterceptor(10, Inbox(2**30, 2**29), admission(gate, SCOPES))
        server = grpc.aio.server(interceptors=[interceptor])
        classifier_pb2_grpc.add_ClassifierServiceServicer_to_server(classifier, server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            yield port
        finally:
            await server.stop(0)


@pytest.fixture
async def system(classifier: ScriptedClassifier, tmp_path: Path) -> AsyncIterator[System]:
    file = tmp_path / "access.db"
    address = f"sqlite:///{file}"
    store, behind = (KeyStore(open_database(address)) for _ in range(2))
    store.load()
    async with (
        asking_preprocess(classifier, behind) as port,
        web_server(port, access="keys", access_database_url=address) as url,
        httpx.AsyncClient(base_url=url, timeout=30) as client,
    ):
        system = System(client, classifier, store, file)

        async def ready() -> bool:
            return (await client.get("/readyz")).status_code == 200

        await eventually(ready, "readiness")
        yield system
    for each in (store, behind):
        each.close()


async def test_a_photo_with_a_key_is_classified_and_preprocess_never_sees_that_key(system: System) -> None:
    key = system.key(Scope.CLASSIFY)
    answer = await system.send(key)
    assert answer.status_code == 200
    (metadata,) = system.classifier.metadata
    assert str(metadata["authorization"]).startswith("Bearer verger_")  # web's own
    assert key not in str(metadata)


@pytest.mark.parametrize(
    ("authorization", "reason", "challenge"),
    [
        (None, "KEY_MISSING", 'Bearer realm="Verger"'),
        ("Basic dmVyZ2VyOnZlcmdlcg==", "KEY_MISSING", 'Bearer realm="Verger"'),
        ("Bearer hello", "KEY_UNKNOWN", 'Bearer realm="Verger", error="invalid_token"'),
        (f"Bearer {new_secret().text}", "KEY_UNKNOWN", 'Bearer realm="Verger", error="invalid_token"'),
    ],
    ids=["none", "another scheme", "no key", "an unknown key"],
)
async def test_a_photo_without_a_valid_key_is_refused_before_it_is_read(
    system: System, authorization: str | None, reason: str, challenge: str
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = await system.client.post(CLASSIFY, content=PHOTO, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["reason"] == reason
    assert answer.headers["www-authenticate"] == challenge
    assert not system.classifier.requests


async def test_two_authorization_headers_are_refused(system: System) -> None:
    value = f"Bearer {system.key(Scope.CLASSIFY)}"
    headers = [("Authorization", value), ("Authorization", value)]
    answer = await system.client.post(CLASSIFY, content=PHOTO, headers=headers)
    assert (answer.status_code, answer.json()["reason"]) == (401, "KEY_MISSING")


async def test_a_key_without_the_scope_is_told_which_one_it_lacks(system: System) -> None:
    answer = await system.send(system.key(Scope.TRAIN, Scope.REVIEW))
    assert (answer.status_code, answer.json()["reason"]) == (403, "SCOPE_MISSING")
    assert answer.headers["www-authenticate"].endswith('error="insufficient_scope", scope="classify"')


async def test_a_revoked_key_is_refused_and_says_so_to_its_holder_alone(system: System) -> None:
    key = system.key(Scope.CLASSIFY)
    assert (await system.send(key)).status_code == 200
    identity = key.split("_")[1]
    system.store.revoke(identity)

    async def refused() -> bool:
        return (await system.send(key)).status_code == 401

    await eventually(refused, "the refusal")
    assert (await system.send(key)).json()["reason"] == "KEY_REVOKED"
    guess = f"verger_{identity}_{new_secret().text.split('_')[2]}"
    assert (await system.send(guess)).json()["reason"] == "KEY_UNKNOWN"


async def test_the_page_opens_without_a_key_and_its_photos_need_one(system: System) -> None:
    assert (await system.client.get("/")).status_code == 200
    refused = await system.client.post("/predict", files=form(("a.jpg", PHOTO)), headers={"Accept-Language": "fr"})
    assert refused.status_code == 401
    assert "Il faut une clé" in refused.text
    headers = {"Authorization": f"Bearer {system.key(Scope.CLASSIFY)}"}
    answered = await system.client.post("/predict", files=form(("a.jpg", PHOTO)), headers=headers)
    assert answered.status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/docs", "/openapi.json", "/"])
async def test_what_operators_and_readers_need_stays_open(system: System, path: str) -> None:
    assert (await system.client.get(path)).status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/model", "/nothing", "/api/v1/", "/x//", "/static", "/docs/", "/%2e/healthz"])
async def test_everything_else_needs_a_key(system: System, path: str) -> None:
    assert (await system.client.get(path)).status_code == 401


def test_every_address_is_public_or_has_a_scope_of_its_own() -> None:
    paths = {route.path for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)}
    assert len(paths) > 6
    assert {path for path in paths if needed_scope(path) is Scope.ADMIN} == {"/audit", "/review/deletions"}
    assert {path for path in paths if needed_scope(path) is None} == PUBLIC


async def test_photos_with_a_known_key_are_answered_while_the_database_is_away(system: System) -> None:
    key = system.key(Scope.CLASSIFY)
    assert (await system.send(key)).status_code == 200
    system.file.rename(system.file.with_suffix(".away"))
    system.file.mkdir()
    assert (await system.send(key)).status_code == 200
    unknown = await system.send(new_secret().text)
    assert (unknown.status_code, unknown.json()["reason"]) == (503, "ACCESS_UNAVAILABLE")
    assert int(unknown.headers["retry-after"]) > 0


async def test_the_description_of_the_api_says_that_a_key_is_needed(system: System) -> None:
    document = (await system.client.get("/openapi.json")).json()
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert document["paths"][CLASSIFY]["post"]["security"] == [{"key": []}]
    assert {"401", "403"} <= set(document["paths"][CLASSIFY]["post"]["responses"])
    assert "security" not in document["paths"]["/healthz"]["get"]


async def test_no_answer_repeats_a_key(system: System) -> None:
    for key in (system.key(Scope.CLASSIFY), system.key(Scope.TRAIN), new_secret().text, "verger_mine"):
        for path in (CLASSIFY, "/api/v1/model", "/nothing"):
            answer = await system.send(key, path)
            assert key not in answer.text + str(answer.headers)
