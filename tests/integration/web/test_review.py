"""The page for reviewers, with a real collection behind it: who may do what, and what forms and the script get."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from verger.v1 import classifier_pb2, collection_pb2

from services.access.keys import Scope
from tests.support.page.forms import token_in
from tests.support.page.guarded_site import GuardedSite, Visitor, reason_in
from tests.support.page.scripted_classifier import web_server
from tests.support.pictures.photos import encoded, patches
from tests.support.servers.collection_server import Collection, a, answer, running_collection

JSON, HTML = {"Accept": "application/json"}, {"Accept": "text/html"}
FRENCH = {"Accept-Language": "fr"}


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[Collection]:
    with running_collection(tmp_path / "photos", f"sqlite:///{tmp_path / 'c.db'}") as running:
        yield running


@dataclass
class Review:
    """A page without keys, and the collection behind it."""

    client: httpx.AsyncClient
    collection: Collection

    async def add(self, seed: int = 1, **fields: object) -> str:
        photo = encoded(patches(seed=seed))
        return str((await asyncio.to_thread(self.collection.add, photo, **fields)).photo_id)

    async def listed(self, query: str = "") -> list[dict[str, object]]:
        got = await self.client.get(f"/review/photos?{query}", headers=JSON)
        assert got.status_code == 200, got.text
        return list(got.json()["items"])

    async def ids(self, query: str = "") -> set[object]:
        return {item["id"] for item in await self.listed(query)}

    async def label(self, label: str, *photos: str, decision: str = "decision-1", **headers: str) -> httpx.Response:
        fields = {"decision": decision, "label": label, "photo": list(photos)}
        return await self.client.post("/review/labels", data=fields, headers=headers)


@pytest.fixture
async def review(preprocess_port: int, collection: Collection) -> AsyncIterator[Review]:
    target = f"127.0.0.1:{collection.port}"
    async with (
        web_server(preprocess_port, collection_target=target) as address,
        httpx.AsyncClient(base_url=address, timeout=60) as client,
    ):
        yield Review(client, collection)


async def test_the_list_comes_in_parts(review: Review) -> None:
    ids = [await review.add(seed) for seed in range(3)]
    newest = (await review.client.get("/review/photos?order=newest")).json()
    assert ([item["id"] for item in newest["items"]], newest["next"]) == (ids[::-1], "")
    response = review.collection.listed(page_size=2, order=collection_pb2.PHOTO_ORDER_USEFUL)
    found = [photo.photo_id for photo in response.photos]
    rest = await review.listed(f"after={response.next_page_token}")
    assert {*found, *(item["id"] for item in rest)} == set(ids)
    assert len(rest) == 1


async def test_the_address_says_which_photos(review: Review) -> None:
    said = collection_pb2.Report(kind=collection_pb2.REPORT_KIND_CLASS, label="kiwi", note="From my garden")
    cherry = await review.add(1, classification=answer("cherry"), report=said)
    unsure = await review.add(2, classification=answer("mango", "4", verdict=classifier_pb2.VERDICT_UNSURE))
    rest = await review.add(3, source=collection_pb2.PHOTO_SOURCE_REST)
    await review.label("none", f"{rest}:0", decision="d")
    day = (await asyncio.to_thread(review.collection.photo, cherry)).photo.received_at.ToDatetime().date()
    for query, wanted in {
        "": {cherry, unsure},
        "state=all": {cherry, unsure, rest},
        "state=labelled": {rest},
        "predicted=cherry": {cherry},
        "verdict=unsure": {unsure},
        "version=4": {unsure},
        "report=class": {cherry},
        "text=garden": {cherry},
        "state=all&source=rest": {rest},
        "state=all&label=none": {rest},
        f"day={day}": {cherry, unsure},
        "day=2020-02-29": set(),
        f"group={unsure}": {unsure},
        "order=doubtful": set(),
    }.items():
        assert await review.ids(query) == wanted, query
    (item,) = await review.listed("predicted=cherry")
    assert (item["answer"], item["report"], item["suggestion"]) == ("cherry, 75%", "said: kiwi", "class:kiwi")
    page = (await review.client.get("/review?text=garden&state=all", headers=FRENCH)).text
    assert 'value="garden"' in page
    assert '<option value="all" selected>toutes</option>' in page


@pytest.mark.parametrize(
    "query",
    ["order=best", "state=some", "verdict=9", "day=tomorrow", "day=2026-02-30", "label=kiwi", "text=" + "x" * 101],
)
async def test_an_address_that_means_nothing_is_refused(review: Review, query: str) -> None:
    got = await review.client.get(f"/review/photos?{query}", headers=JSON)
    assert (got.status_code, got.json()["reason"]) == (400, "PARAMETER_INVALID")
    assert 'data-reason="PARAMETER_INVALID"' in (await review.client.get(f"/review?{query}")).text


async def test_pictures_may_be_cached_by_the_browser_alone(review: Review) -> None:
    photo = await review.add()
    for kind, view in (
        ("thumbnails", collection_pb2.PHOTO_VIEW_THUMBNAIL),
        ("pictures", collection_pb2.PHOTO_VIEW_IMAGE),
    ):
        got = await review.client.get(f"/review/{kind}/{photo}")
        assert got.headers["content-type"] == "image/jpeg"
        assert got.headers["cache-control"].startswith("private, max-age=")
        assert got.content == (await asyncio.to_thread(review.collection.photo, photo, view=view)).image
    missing = await review.client.get(f"/review/thumbnails/{'0' * 32}", headers=JSON)
    assert (missing.status_code, missing.json()["reason"]) == (404, "PHOTO_UNKNOWN")


async def test_one_photo_is_shown_with_all_that_is_known_of_it(review: Review) -> None:
    said = collection_pb2.Report(kind=collection_pb2.REPORT_KIND_CLASS, label="kiwi", note="<b>From</b> my garden")
    photo = await review.add(classification=answer("cherry"), report=said)
    await asyncio.to_thread(review.collection.label, "d", {photo: 0}, a("mango"), reviewer="anna")
    shown = (await review.client.get(f"/review?photo={photo}", headers=FRENCH)).text
    for text in ("Cerise", "75", "kiwi", "&lt;b&gt;From&lt;/b&gt; my garden", "mangue", "anna", "320 × 240"):
        assert text in shown, text
    evidence = await review.client.get(f"/review/photos/{photo}?evidence=1")
    assert "Now: Banana" in evidence.text


async def test_forms_label_undo_and_delete_without_a_script(review: Review) -> None:
    photo = await review.add()
    page = (await review.client.get("/review")).text
    assert f'name="photo" value="{photo}:0"' in page
    labelled = await review.label("class:kiwi", f"{photo}:0")
    assert "Photos that got the label: 1." in labelled.text
    assert review.collection.photo(photo).photo.label == a("kiwi")
    decision = re.findall(r'name="(decision|change)" value="([^"]+)"', labelled.text)[:2]
    undone = await review.client.post("/review/undo", data=dict(decision))
    assert undone.status_code == 200
    assert not review.collection.photo(photo).photo.HasField("label")
    deleted = await review.client.post("/review/deletions", data={"photo": f"{photo}:2"}, headers=FRENCH)
    assert "Photos supprimées\N{NO-BREAK SPACE}: 1." in deleted.text
    assert review.collection.ids() == []


async def test_what_somebody_else_has_decided_is_told_and_stays(review: Review) -> None:
    photo, other = await review.add(1), await review.add(2)
    await asyncio.to_thread(review.collection.label, "d", {photo: 0}, a("mango"), reviewer="anna")
    told = await review.label("none", f"{photo}:0", f"{other}:0", f"{'0' * 32}:0", **JSON)
    assert told.json()["changed"] == [{"id": other, "revision": 1}]
    conflicts = {each["id"]: each for each in told.json()["conflicts"]}
    wanted = {"id": photo, "revision": 1, "deleted": False, "label": "class:mango", "name": "mango", "by": "anna"}
    assert conflicts[photo] == wanted
    assert conflicts["0" * 32]["deleted"]
    page = (await review.label("none", f"{photo}:0", decision="decision-2")).text
    assert "anna has labelled a photo meanwhile: mango." in page
    assert review.collection.photo(photo).photo.label == a("mango")


@pytest.mark.parametrize(
    ("label", "photo"),
    [
        ("kiwi", "0:0"),
        ("", "0:0"),
        ("class:", "0:0"),
        ("none", "0"),
        ("none", "0:x"),
        ("none", "0:-1"),
        ("none", "0:²"),
    ],
)
async def test_a_decision_that_says_nothing_is_refused(review: Review, label: str, photo: str) -> None:
    got = await review.label(label, photo, **JSON)
    assert (got.status_code, got.json()["reason"]) == (400, "DECISION_INVALID")


async def test_many_photos_fit_into_one_decision(review: Review) -> None:
    photo = await review.add()
    strangers = [f"{number:032x}:0" for number in range(999)]
    told = (await review.label("none", f"{photo}:0", *strangers, **JSON)).json()
    assert (len(told["changed"]), len(told["conflicts"])) == (1, 999)


async def test_without_keys_other_machines_see_no_photo(review: Review, preprocess_port: int) -> None:
    photo, target = await review.add(), f"127.0.0.1:{review.collection.port}"
    assert "/review" in (await review.client.get("/")).text
    for path in ("", "/photos", f"/photos/{photo}", f"/pictures/{photo}", f"/thumbnails/{photo}"):
        refused = await review.client.get(f"/review{path}", headers={"Host": "verger.example"} | JSON)
        assert (refused.status_code, "REVIEW_NEEDS_KEYS" in refused.text) == (403, True), path
    async with (
        web_server(preprocess_port, collection_target=target, bind_address="0.0.0.0", access="open") as address,
        httpx.AsyncClient(base_url=address) as client,
    ):
        assert (await client.get("/review")).status_code == 403
        posted = await client.post("/review/labels", data={"photo": f"{photo}:0", "label": "none", "decision": "d"})
        assert posted.status_code == 403
        assert 'href="/review"' not in (await client.get("/")).text
    assert not review.collection.photo(photo).photo.HasField("label")


async def test_without_a_collection_there_is_nothing_to_review(client: httpx.AsyncClient) -> None:
    got = await client.get("/review/photos", headers=JSON)
    assert (got.status_code, got.json()["reason"]) == (404, "REVIEW_OFF")
    assert 'href="/review"' not in (await client.get("/")).text


async def signed_in(site: GuardedSite, address: str, name: str, *scopes: Scope) -> Visitor:
    visitor = await site.visitor(address)
    await visitor.sign_in(site.key(name, *scopes))
    return visitor


async def test_with_keys_each_scope_opens_its_own(site: GuardedSite, collection: Collection) -> None:
    address = await site.start_web(collection_target=f"127.0.0.1:{collection.port}")
    photo = await asyncio.to_thread(collection.add)
    fields = {"photo": f"{photo.photo_id}:0", "label": "none", "decision": "decision-1"}
    nobody = await site.visitor(address)
    assert reason_in(await nobody.client.get("/review")) == "KEY_MISSING"
    shop = await signed_in(site, address, "shop", Scope.CLASSIFY, Scope.FEEDBACK)
    assert reason_in(await shop.client.get("/review")) == "SCOPE_MISSING"
    assert 'href="/review"' not in (await shop.client.get("/")).text

    reviewer = await signed_in(site, address, "reviewer", Scope.CLASSIFY, Scope.REVIEW)
    page = await reviewer.client.get("/review")
    assert 'href="/review"' in (await reviewer.client.get("/")).text
    for token in ("", token_in(await (await site.visitor(address)).client.get("/sign-in"))):
        refused = await reviewer.client.post("/review/labels", data=fields | {"csrf": token}, headers=HTML)
        assert (refused.status_code, reason_in(refused)) == (403, "FORM_TOKEN_INVALID")
    assert not collection.photo(photo.photo_id).photo.HasField("label")
    form = fields | {"csrf": token_in(page)}
    done = await reviewer.client.post("/review/labels", data=form, headers=JSON)
    assert len(done.json()["changed"]) == 1
    assert collection.photo(photo.photo_id).photo.labelled_by == "anna"  # the owner of the key
    refused = await reviewer.client.post("/review/deletions", data=form, headers=HTML)
    assert reason_in(refused) == "SCOPE_MISSING"
    assert "/review/deletions" not in page.text

    boss = await signed_in(site, address, "boss", Scope.ADMIN)
    token = token_in(await boss.client.get("/review"))
    deleted = await boss.client.post("/review/deletions", data=fields | {"csrf": token}, headers=JSON)
    assert deleted.json() == {"deleted": 1}


async def test_a_program_with_a_key_reviews_without_a_form(site: GuardedSite, collection: Collection) -> None:
    address = await site.start_web(collection_target=f"127.0.0.1:{collection.port}")
    photo = await asyncio.to_thread(collection.add)
    headers = {"Authorization": f"Bearer {site.key('robot', Scope.REVIEW)}"} | JSON
    client = (await site.visitor(address)).client
    fields = {"photo": f"{photo.photo_id}:0", "label": "discarded", "decision": "decision-1"}
    assert (await client.post("/review/labels", data=fields, headers=headers)).status_code == 200
    assert (await client.post("/review/labels", data=fields)).status_code == 401
