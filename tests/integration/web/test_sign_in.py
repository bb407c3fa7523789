"""Visitors who sign in with a key and out again, over real HTTP with a real database of keys."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from services.access.keys import Scope, new_secret
from services.access.store import KeyStore
from tests.support.page.forms import token_in
from tests.support.page.guarded_site import PHOTO, GuardedSite, reason_in
from tests.support.page.scripted_classifier import form
from tests.support.waiting import eventually


async def test_a_visitor_signs_in_sends_a_photo_and_signs_out(site: GuardedSite) -> None:
    visitor = await site.visitor()
    stranger = await visitor.client.get("/")
    assert 'href="/sign-in"' in stranger.text
    assert "photo-form" not in stranger.text
    done = await visitor.sign_in(f"  {site.key('<b>shop</b>')}\r\n")
    assert (done.status_code, done.headers["location"]) == (303, "/")
    page = await visitor.client.get("/")
    assert "&lt;b&gt;shop&lt;/b&gt;" in page.text
    assert "<b>shop" not in page.text
    answer = await visitor.send()
    assert answer.status_code == 200
    assert "Banana" in answer.text
    out = await visitor.client.post("/sign-out", data={"csrf": token_in(page)})
    assert (out.status_code, out.headers["location"]) == (303, "/")
    assert not visitor.client.cookies
    assert "photo-form" not in (await visitor.client.get("/")).text
    assert site.sessions() == 0


@pytest.mark.parametrize(("language", "title"), [("en", "Sign in"), ("fr", "Se connecter")])
async def test_the_form_is_in_the_language_of_the_visitor(site: GuardedSite, language: str, title: str) -> None:
    shown = await (await site.visitor()).client.get(f"/sign-in?lang={language}")
    assert shown.status_code == 200
    assert f"<h1>{title}</h1>" in shown.text
    assert 'href="/sign-in?lang=fr"' in shown.text


async def test_a_refused_key_shows_the_form_again_with_the_reason(site: GuardedSite) -> None:
    revoked = site.key("revoked")
    site.store.revoke(revoked.split("_")[1])
    wrong = {
        new_secret().text: (401, "KEY_UNKNOWN"),
        "hello": (401, "KEY_UNKNOWN"),
        "": (401, "KEY_UNKNOWN"),
        revoked: (401, "KEY_REVOKED"),
        site.key("trainer", Scope.TRAIN): (403, "SCOPE_MISSING"),
    }
    visitor = await site.visitor()
    for key, expected in wrong.items():
        refused = await visitor.sign_in(key)
        assert (refused.status_code, reason_in(refused)) == expected
        assert 'name="key"' in refused.text
        assert not key or key not in refused.text + str(refused.headers)
    expiring = site.key("expiring", lifetime=timedelta(seconds=1))

    async def is_refused() -> bool:
        answer = await visitor.sign_in(expiring)
        return answer.status_code == 401 and reason_in(answer) == "KEY_EXPIRED"

    await eventually(is_refused, "the end of the key")


async def test_the_form_for_signing_in_is_refused_if_another_site_sends_it(site: GuardedSite) -> None:
    key, visitor = site.key(), await site.visitor()
    token = token_in(await (await site.visitor()).client.get("/sign-in"))  # that another browser was given
    for fields in ({"key": key}, {"key": key, "csrf": token}):
        refused = await visitor.client.post("/sign-in", data=fields)
        assert (refused.status_code, reason_in(refused)) == (403, "FORM_TOKEN_INVALID")
    assert site.sessions() == 0


async def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(site: GuardedSite) -> None:
    visitor, key = await site.visitor(), site.key()
    plain = (await visitor.sign_in(key)).headers.get_list("set-cookie")[0]
    assert plain.startswith("verger-session=")
    assert {"HttpOnly", "Path=/", "SameSite=lax"} == set(plain.split("; ")[1:])
    browser = httpx.AsyncClient(base_url=site.address, timeout=60, headers={"X-Forwarded-Proto": "https"})
    async with browser as client:
        shown = await client.get("/sign-in")
        cookie = shown.headers["set-cookie"].split(";")[0]
        fields = {"csrf": token_in(shown), "key": key}
        done = await client.post("/sign-in", data=fields, headers={"Cookie": cookie})
        secure = done.headers.get_list("set-cookie")[0]
        assert secure.startswith("__Host-verger-session=")
        assert {"HttpOnly", "Path=/", "SameSite=lax", "Secure"} == set(secure.split("; ")[1:])
        name, _, value = secure.split(";")[0].partition("=")
        assert "photo-form" in (await client.get("/", headers={"Cookie": f"{name}={value}"})).text
        assert "photo-form" not in (await client.get("/", headers={"Cookie": f"verger-session={value}"})).text


async def test_signing_in_again_makes_a_new_session_and_ends_the_former(site: GuardedSite) -> None:
    visitor, key = await site.visitor(), site.key()
    await visitor.sign_in(key)
    first = visitor.client.cookies["verger-session"]
    await visitor.sign_in(key)
    assert visitor.client.cookies["verger-session"] != first
    assert site.sessions() == 1


async def test_the_database_has_no_token(site: GuardedSite) -> None:
    visitor = await site.visitor()
    await visitor.sign_in(site.key())
    assert visitor.client.cookies["verger-session"].encode() not in site.file.read_bytes()


async def test_many_wrong_keys_in_the_form_cost_the_database_few_questions(
    site: GuardedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor, stranger = await site.visitor(), await site.visitor()
    await visitor.sign_in(site.key())
    loads: list[int | None] = []
    load = KeyStore.load

    def counted(store: KeyStore, known: int | None = None) -> object:
        loads.append(known)
        return load(store, known)

    fields = {"csrf": token_in(await stranger.client.get("/sign-in"))}
    monkeypatch.setattr(KeyStore, "load", counted)
    wrong = [stranger.client.post("/sign-in", data=fields | {"key": new_secret().text}) for _ in range(200)]
    *answers, photo = await asyncio.gather(*wrong, visitor.send())
    assert photo.status_code == 200
    assert {reason_in(answer) for answer in answers} == {"KEY_UNKNOWN"}
    assert len(loads) < 100


async def test_a_form_that_is_too_long_is_not_read(site: GuardedSite) -> None:
    refused = await (await site.visitor()).client.post("/sign-in", data={"key": "x" * 10_000})
    assert (refused.status_code, reason_in(refused)) == (413, "REQUEST_TOO_LARGE")


async def test_where_access_is_open_nobody_can_sign_in_and_no_token_is_asked_for(client: httpx.AsyncClient) -> None:
    for method, path in (("GET", "/sign-in"), ("POST", "/sign-in"), ("POST", "/sign-out")):
        answer = await client.request(method, path)
        assert (answer.status_code, reason_in(answer)) == (404, "NOT_FOUND")
    page = (await client.get("/")).text
    assert "sign-in" not in page
    assert "csrf" not in page
    headers = {"Cookie": "verger-session=forged"}
    assert (await client.post("/predict", files=form(("a.jpg", PHOTO)), headers=headers)).status_code == 200
