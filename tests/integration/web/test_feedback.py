"""Keeping photos and saying whether answers are right, with a real collection behind the page and the REST API."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from verger.v1 import collection_pb2

from services.access.database import open_database
from services.access.keys import Scope
from services.access.store import KeyStore
from tests.support.page.guarded_site import GuardedSite
from tests.support.page.scripted_classifier import BANANA, ScriptedClassifier, web_server
from tests.support.pictures.photos import encoded, scene
from tests.support.servers.collection_server import Collection, collection_process, running_collection
from tests.support.servers.mlflow_server import free_port
from tests.support.waiting import eventually

PHOTO = encoded(scene())
FRENCH = {"Accept-Language": "fr"}


@dataclass
class Site:
    """A page and the collection behind it."""

    client: httpx.AsyncClient
    collection: Collection

    async def send(self, photo: bytes = PHOTO, **fields: str) -> httpx.Response:
        """Sends a photo as the form of the page does."""
        return await self.client.post("/predict", data=fields, files={"file": ("lunch.jpg", photo)})

    async def say(self, answer: str, report: str, photo: bytes | None = None, **fields: str) -> httpx.Response:
        """Sends the form below an answer."""
        files = {"file": ("lunch.jpg", photo or b"")}
        return await self.client.post("/feedback", data={"answer": answer, "report": report} | fields, files=files)

    async def kept(self, count: int = 1) -> list[collection_pb2.Photo]:
        """Waits for photos in the collection, and returns them."""

        async def photos() -> list[collection_pb2.Photo]:
            return list((await asyncio.to_thread(self.collection.listed)).photos)

        async def are_there() -> bool:
            return len(await photos()) == count

        await eventually(are_there, f"{count} kept photos")
        return await photos()


Start = Callable[..., Any]


@pytest.fixture
async def start(preprocess_port: int, tmp_path: Path) -> AsyncIterator[Start]:
    """Starts a page with these settings, and a collection."""
    async with AsyncExitStack() as stack:

        @asynccontextmanager
        async def started(**settings: object) -> AsyncIterator[Site]:
            running = running_collection(tmp_path / "photos", f"sqlite:///{tmp_path / 'c.db'}")
            with running as collection:
                target = f"127.0.0.1:{collection.port}"
                async with (
                    web_server(preprocess_port, **{"collection_target": target} | settings) as address,
                    httpx.AsyncClient(base_url=address, timeout=60) as client,
                ):
                    yield Site(client, collection)

        yield lambda **settings: stack.enter_async_context(started(**settings))


def id_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return str(answer.headers["x-request-id"])


async def test_nothing_is_kept_without_a_yes(start: Start) -> None:
    site = await start()
    page = (await site.client.get("/")).text
    (box,) = re.findall(r'<input type="checkbox" name="keep"[^>]*>', page)
    assert "checked" not in box
    assert "up to 365 days" in page
    await site.send()
    kept = await site.send(keep="yes")
    (photo,) = await site.kept()
    (answer,) = photo.answers
    assert answer.request_id == id_of(kept)
    assert answer.classification == BANANA.classification
    assert photo.source == collection_pb2.PHOTO_SOURCE_PAGE


async def test_a_team_can_keep_all_photos_and_says_so(start: Start) -> None:
    site = await start(keep_photos="always", collection_days=30)
    page = (await site.client.get("/", headers=FRENCH)).text
    assert 'name="keep"' not in page
    assert "pendant 30\N{NO-BREAK SPACE}jours" in page or "pendant 30 jours" in page
    await site.send()
    rest = await site.client.post("/api/v1/classify", content=encoded(scene(seed=8)))
    assert rest.status_code == 200
    sources = {photo.source for photo in await site.kept(2)}
    assert sources == {collection_pb2.PHOTO_SOURCE_PAGE, collection_pb2.PHOTO_SOURCE_REST}


async def test_where_nothing_is_kept_nobody_is_asked(start: Start) -> None:
    site = await start(keep_photos="never")
    assert "keep" not in re.findall(r'name="(\w+)"', (await site.client.get("/")).text)
    answer = await site.send(keep="yes")
    assert "/feedback" not in answer.text
    assert 'data-reason="FEEDBACK_OFF"' in (await site.say(id_of(answer), "right")).text
    rest = await site.client.post("/api/v1/feedback", data={"answer": "a", "report": "right"}, files={"file": PHOTO})
    assert (rest.status_code, rest.json()["reason"]) == (404, "FEEDBACK_OFF")
    assert site.collection.ids() == []


@pytest.mark.parametrize(
    ("headers", "question", "choice"), [({}, "Is this right?", "cherry"), (FRENCH, "Est-ce juste", "cerise")]
)
async def test_an_answer_asks_whether_it_is_right_and_offers_the_classes(
    start: Start, headers: dict[str, str], question: str, choice: str
) -> None:
    site = await start()
    answer = await site.client.post("/predict", files={"file": PHOTO}, headers=headers)
    assert question in answer.text
    assert re.search(rf'<button[^>]*value="class:cherry"[^>]*>{choice}</button>', answer.text)
    values = re.findall(r'name="report" value="([^"]+)"', answer.text)
    assert (values[0], values[-2:], len(values)) == ("right", ["none", "other"], 13)


async def test_a_report_on_a_kept_photo_is_noted_with_it(start: Start) -> None:
    site = await start()
    answer = id_of(await site.send(keep="yes"))
    thanks = await site.say(answer, "class:cherry")
    assert "noted for review" in thanks.text
    (photo,) = await site.kept()
    (kept,) = photo.answers
    assert (kept.report.kind, kept.report.label) == (collection_pb2.REPORT_KIND_CLASS, "cherry")


async def test_a_photo_can_be_given_with_the_report(start: Start, classifier: ScriptedClassifier) -> None:
    site = await start()
    answer = id_of(await site.send())
    counted = await site.say(answer, "class:cherry", PHOTO)  # without a yes
    assert "was not kept" in counted.text
    assert site.collection.ids() == []
    noted = await site.say(answer, "none", PHOTO, keep="yes")
    assert "noted for review" in noted.text
    (photo,) = await site.kept()
    (kept,) = photo.answers
    assert (kept.request_id, kept.report.kind) == (answer, collection_pb2.REPORT_KIND_NONE)
    assert kept.classification == BANANA.classification
    assert [request.request_id for request in classifier.requests] != []


async def test_feedback_over_rest(start: Start) -> None:
    site = await start()
    answer = id_of(await site.client.post("/api/v1/classify", content=PHOTO))
    form = {"answer": answer, "report": "class", "label": "cherry", "note": "Sweet"}
    missing = await site.client.post("/api/v1/feedback", data=form, files={"file": ("", b"")})
    assert (missing.status_code, missing.json()["reason"]) == (404, "ANSWER_UNKNOWN")
    for _ in range(2):
        noted = await site.client.post("/api/v1/feedback", data=form, files={"file": PHOTO})
        assert (noted.status_code, noted.json()) == (200, {"answer": answer})
    (photo,) = await site.kept()
    assert photo.source == collection_pb2.PHOTO_SOURCE_REST
    assert (photo.answers[0].report.label, photo.answers[0].report.note) == ("cherry", "Sweet")
    again = await site.client.post(
        "/api/v1/feedback", data=form | {"report": "right", "label": ""}, files={"file": ("", b"")}
    )
    assert again.status_code == 200
    (photo,) = await site.kept()
    assert photo.answers[0].report.kind == collection_pb2.REPORT_KIND_RIGHT


@pytest.mark.parametrize(
    ("fields", "photo", "status", "reason"),
    [
        ({}, PHOTO, 400, "FEEDBACK_INVALID"),
        ({"answer": "a"}, PHOTO, 400, "FEEDBACK_INVALID"),
        ({"answer": "a", "report": "maybe"}, PHOTO, 400, "FEEDBACK_INVALID"),
        ({"answer": "a" * 129, "report": "right"}, PHOTO, 400, "FEEDBACK_INVALID"),
        ({"answer": "a", "report": "class"}, PHOTO, 400, "FEEDBACK_INVALID"),
        ({"answer": "a", "report": "class", "label": "tomato"}, PHOTO, 400, "FEEDBACK_INVALID"),
        ({"answer": "a", "report": "right", "label": "kiwi"}, PHOTO, 400, "FEEDBACK_INVALID"),
        ({"answer": "a", "report": "right", "note": "x" * 501}, PHOTO, 400, "FEEDBACK_INVALID"),
        ({"answer": "a", "report": "right"}, b"no picture", 415, "IMAGE_FORMAT_UNSUPPORTED"),
        ({"answer": "a", "report": "right"}, PHOTO[:300], 422, "IMAGE_TRUNCATED"),
    ],
    ids=str,
)
async def test_wrong_feedback_is_refused_and_keeps_nothing(
    start: Start, fields: dict[str, str], photo: bytes, status: int, reason: str
) -> None:
    site = await start()
    refused = await site.client.post("/api/v1/feedback", data=fields, files={"file": photo})
    assert (refused.status_code, refused.json()["reason"]) == (status, reason)
    assert site.collection.ids() == []


async def test_no_answer_waits_for_a_collection_that_is_away(preprocess_port: int) -> None:
    settings = {"collection_target": f"127.0.0.1:{free_port()}", "keep_photos": "always"}
    async with (
        web_server(preprocess_port, **settings) as address,
        httpx.AsyncClient(base_url=address, timeout=60) as client,
    ):
        answers = await asyncio.gather(*(client.post("/predict", files={"file": PHOTO}) for _ in range(20)))
        assert {answer.status_code for answer in answers} == {200}
        told = await client.post(
            "/feedback", data={"answer": id_of(answers[0]), "report": "right"}, files={"file": ("", b"")}
        )
        assert (told.status_code, 'data-reason="COLLECTION_UNAVAILABLE"' in told.text) == (503, True)
        metrics = (await client.get("/metrics")).text
    assert 'verger_http_photos_given_total{result="failed"} 20.0' in metrics


async def test_answers_go_on_while_the_collection_is_killed_under_load(preprocess_port: int, tmp_path: Path) -> None:
    """It is a process of its own, which is killed in the middle of 60 photos."""
    port = free_port()
    async with collection_process(tmp_path, port) as process:
        settings = {"collection_target": f"127.0.0.1:{port}", "keep_photos": "always"}
        async with (
            web_server(preprocess_port, **settings) as address,
            httpx.AsyncClient(base_url=address, timeout=60) as client,
        ):

            async def send(number: int) -> int:
                if number == 20:
                    process.kill()
                photo = encoded(scene((96, 64), seed=number))
                return (await client.post("/predict", files={"file": photo})).status_code

            slots = asyncio.Semaphore(4)

            async def send_in_turn(number: int) -> int:
                async with slots:
                    return await send(number)

            statuses = await asyncio.gather(*map(send_in_turn, range(60)))
    assert set(statuses) == {200}


async def test_where_keys_are_asked_for_feedback_needs_its_scope(preprocess_port: int, tmp_path: Path) -> None:
    file = tmp_path / "access.db"
    store = KeyStore(open_database(f"sqlite:///{file}"))
    store.load()
    keys = {"access": "keys", "access_database_url": f"sqlite:///{file}"}
    with running_collection(tmp_path / "photos", f"sqlite:///{tmp_path / 'c.db'}", **keys) as collection:
        async with AsyncExitStack() as stack:
            site = GuardedSite(store, file, preprocess_port, stack)
            site.address = await stack.enter_async_context(
                web_server(preprocess_port, collection_target=f"127.0.0.1:{collection.port}", **keys)
            )
            plain, giver = await site.visitor(), await site.visitor()
            await plain.sign_in(site.key("plain", Scope.CLASSIFY))
            await giver.sign_in(site.key("giver", Scope.CLASSIFY, Scope.FEEDBACK))
            assert 'name="keep"' not in (await plain.client.get("/")).text
            assert "/feedback" not in (await plain.send()).text
            shown = await giver.send()
            token = re.findall(r'name="csrf" value="(\w+)"', shown.text)[-1]
            form = {"answer": shown.headers["x-request-id"], "report": "class:cherry", "keep": "yes"}
            forged = await giver.client.post("/feedback", data=form, files={"file": PHOTO})
            assert 'data-reason="FORM_TOKEN_INVALID"' in forged.text
            refused = await plain.client.post("/feedback", data=form | {"csrf": token}, files={"file": PHOTO})
            assert 'data-reason="SCOPE_MISSING"' in refused.text
            noted = await giver.client.post("/feedback", data=form | {"csrf": token}, files={"file": PHOTO})
            assert "noted for review" in noted.text
            assert (
                'verger_http_feedback_total{is_kept="true",report="class"}' in (await giver.client.get("/metrics")).text
            )
    store.close()


async def test_a_machine_is_said_to_answer_in_both_languages(client: httpx.AsyncClient) -> None:
    assert "A machine answers here" in (await client.get("/")).text
    assert "une machine qui répond" in (await client.get("/", headers=FRENCH)).text
