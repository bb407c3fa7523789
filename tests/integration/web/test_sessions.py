"""What visitors may do who have signed in, and when that ends."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from services.access import sessions
from services.access.keys import Scope, new_secret
from tests.support.page.forms import token_in
from tests.support.page.guarded_site import PHOTO, GuardedSite, Visitor, reason_in
from tests.support.page.scripted_classifier import ScriptedClassifier, form
from tests.support.waiting import eventually


async def test_a_photo_without_the_token_of_the_page_is_refused(
    site: GuardedSite, classifier: ScriptedClassifier
) -> None:
    visitor, other = await site.visitor(), await site.visitor()
    key = site.key()
    for each in (visitor, other):
        await each.sign_in(key)
    foreign = token_in(await other.client.get("/"))
    for token in ("", "é", foreign):
        refused = await visitor.send(token)
        assert (refused.status_code, reason_in(refused)) == (403, "FORM_TOKEN_INVALID")
        refused = await visitor.client.post("/sign-out", data={"csrf": token})
        assert (refused.status_code, reason_in(refused)) == (403, "FORM_TOKEN_INVALID")
    assert not classifier.requests
    assert await visitor.reason(token_in(await visitor.client.get("/"))) == ""


async def test_a_key_in_the_header_needs_no_token_and_counts_more_than_a_session(site: GuardedSite) -> None:
    visitor, key = await site.visitor(), site.key()
    await visitor.sign_in(key)
    assert (await visitor.send("", Authorization=f"Bearer {key}")).status_code == 200
    refused = await visitor.send(Authorization="Bearer hello")
    assert (refused.status_code, reason_in(refused)) == (401, "KEY_UNKNOWN")


@pytest.mark.parametrize("path", ["/api/v1/classify", "/api/v1/model", "/nothing"])
async def test_a_session_opens_the_page_alone(site: GuardedSite, path: str) -> None:
    visitor = await site.visitor()
    await visitor.sign_in(site.key("boss", Scope.ADMIN))
    answer = await visitor.client.get(path)
    assert (answer.status_code, answer.json()["reason"]) == (401, "KEY_MISSING")


@pytest.mark.parametrize("cookie", ["forged", "x" * 30_000, '"\\303\\251"', "é"], ids=["forged", "huge", "quoted", "é"])
async def test_a_forged_session_is_none(site: GuardedSite, cookie: str) -> None:
    headers = {"Cookie": f"verger-session={cookie}".encode("latin-1")}
    client = (await site.visitor()).client
    refused = await client.post("/predict", files=form(("a.jpg", PHOTO)), headers=headers)
    assert (refused.status_code, reason_in(refused)) == (401, "SESSION_ENDED")
    assert 'href="/sign-in"' in refused.text
    assert "photo-form" not in (await client.get("/", headers=headers)).text


async def test_without_a_session_the_page_answers_that_one_must_sign_in(site: GuardedSite) -> None:
    client = (await site.visitor()).client
    for headers in ({}, {"X-Fragment": "answer"}):
        refused = await client.post("/predict", files=form(("a.jpg", PHOTO)), headers=headers)
        assert (refused.status_code, reason_in(refused)) == (401, "KEY_MISSING")
        assert 'href="/sign-in"' in refused.text


async def test_a_session_goes_on_in_each_replica_and_ends_in_each(site: GuardedSite) -> None:
    here, there = await site.visitor(), await site.visitor(await site.start_web())
    await here.sign_in(site.key())
    token = token_in(await here.client.get("/"))
    cookie = here.client.cookies["verger-session"]
    for visitor in (there, here):
        visitor.client.headers["Cookie"] = f"verger-session={cookie}"  # also after it was deleted
        assert await visitor.reason(token) == ""
    await here.client.post("/sign-out", data={"csrf": token})
    for visitor in (there, here):

        async def has_ended(visitor: Visitor = visitor) -> bool:
            return await visitor.reason(token) == "SESSION_ENDED"

        await eventually(has_ended, "the end of the session")


@pytest.mark.parametrize("end", ["revoked", "rotated"])
async def test_a_session_ends_with_its_key(site: GuardedSite, end: str) -> None:
    visitor, key = await site.visitor(), site.key()
    await visitor.sign_in(key)
    token = token_in(await visitor.client.get("/"))
    assert await visitor.reason(token) == ""
    if end == "revoked":
        site.store.revoke(key.split("_")[1])
    else:
        site.store.rotate(key.split("_")[1], timedelta(seconds=1))

    async def has_ended() -> bool:
        return await visitor.reason(token) == {"revoked": "KEY_REVOKED", "rotated": "KEY_EXPIRED"}[end]

    await eventually(has_ended, "the end of the session")
    assert "photo-form" not in (await visitor.client.get("/")).text


async def test_a_session_has_an_end_of_its_own(site: GuardedSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.access.rows.visits.LIFETIME", timedelta(seconds=1))
    visitor = await site.visitor()
    await visitor.sign_in(site.key())

    async def has_ended() -> bool:
        return await visitor.reason("") == "SESSION_ENDED"

    await eventually(has_ended, "the end of the session")
    monkeypatch.setattr("services.access.rows.visits.LIFETIME", sessions.LIFETIME)
    await (await site.visitor()).sign_in(site.key("other"))
    assert site.sessions() == 1


async def test_a_session_that_ends_during_an_upload_gets_no_answer(
    site: GuardedSite, classifier: ScriptedClassifier
) -> None:
    visitor, key = await site.visitor(), site.key()
    await visitor.sign_in(key)
    token = token_in(await visitor.client.get("/"))
    request = visitor.client.build_request("POST", "/predict", data={"csrf": token}, files=form(("a.jpg", PHOTO)))
    body, begun, revoked = request.read(), asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield body[:1000]
        begun.set()
        await revoked.wait()
        yield body[1000:]

    headers = {"Content-Type": request.headers["Content-Type"], "Content-Length": str(len(body))}
    sending = asyncio.create_task(visitor.client.post("/predict", content=slowly(), headers=headers))
    await begun.wait()
    other = await site.visitor()
    other.client.cookies.update(visitor.client.cookies)
    assert await other.reason(token) == ""  # so the request that was begun before has been admitted, too
    site.store.revoke(key.split("_")[1])

    async def is_known() -> bool:
        return await other.reason(token) == "KEY_REVOKED"

    await eventually(is_known, "the end of the key")
    count = len(classifier.requests)
    revoked.set()
    assert (reason_in(await sending), len(classifier.requests)) == ("KEY_REVOKED", count)


async def test_while_the_database_is_away_who_has_signed_in_goes_on_and_nobody_else_signs_in(site: GuardedSite) -> None:
    visitor, late = await site.visitor(), await site.visitor()
    key = site.key()
    await visitor.sign_in(key)
    page = await visitor.client.get("/")
    assert await visitor.reason(token_in(page)) == ""
    site.take_away_database()
    assert (await visitor.send()).status_code == 200
    for refused in (
        await late.sign_in(key),
        await late.sign_in(new_secret().text),
        await visitor.client.post("/sign-out", data={"csrf": token_in(page)}),
    ):
        assert (refused.status_code, reason_in(refused)) == (503, "ACCESS_UNAVAILABLE")
        assert int(refused.headers["retry-after"]) > 0
    assert (await visitor.send()).status_code == 200
