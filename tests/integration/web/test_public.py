"""A site that asks for keys, and lets everybody classify (VERGER_PUBLIC_SCOPES=classify)."""

import pytest

from services.access.keys import Scope, new_secret
from tests.support.page.guarded_site import PHOTO, GuardedSite, Visitor
from tests.support.page.scripted_classifier import form
from tests.support.waiting import eventually

CLASSIFY = "/api/v1/classify"


@pytest.fixture
async def visitor(site: GuardedSite) -> Visitor:
    return await site.visitor(await site.start_web(public_scopes="classify"))


async def test_a_photo_needs_no_key(visitor: Visitor) -> None:
    assert (await visitor.client.post(CLASSIFY, content=PHOTO)).status_code == 200
    assert (await visitor.client.get("/api/v1/model")).status_code == 200
    page = await visitor.client.get("/")
    assert "photo-form" in page.text
    assert 'href="/sign-in"' in page.text
    assert (await visitor.client.post("/predict", files=form(("a.jpg", PHOTO)))).status_code == 200


async def test_a_wrong_key_is_refused_all_the_same(visitor: Visitor, site: GuardedSite) -> None:
    wrong = {new_secret().text: "KEY_UNKNOWN", site.key("trainer", Scope.TRAIN): "SCOPE_MISSING"}
    for key, reason in wrong.items():
        refused = await visitor.client.post(CLASSIFY, content=PHOTO, headers={"Authorization": f"Bearer {key}"})
        assert refused.json()["reason"] == reason


async def test_what_is_not_public_needs_a_key(visitor: Visitor) -> None:
    refused = await visitor.client.get("/nothing")
    assert (refused.status_code, refused.json()["reason"]) == (401, "KEY_MISSING")


async def test_who_was_signed_in_goes_on_as_anybody_when_the_key_is_revoked(
    visitor: Visitor, site: GuardedSite
) -> None:
    key = site.key()
    await visitor.sign_in(key)
    assert "shop" in (await visitor.client.get("/")).text
    site.store.revoke(key.split("_")[1])

    async def signed_out() -> bool:
        return "shop" not in (await visitor.client.get("/")).text

    await eventually(signed_out, "the end of the session")
    assert (await visitor.client.post("/predict", files=form(("a.jpg", PHOTO)))).status_code == 200


async def test_a_form_of_a_session_still_needs_its_token(visitor: Visitor, site: GuardedSite) -> None:
    await visitor.sign_in(site.key())
    assert (await visitor.send("invented")).status_code == 403


async def test_photos_are_answered_while_the_database_is_away(visitor: Visitor, site: GuardedSite) -> None:
    site.take_away_database()
    assert (await visitor.client.post(CLASSIFY, content=PHOTO)).status_code == 200


async def test_the_description_of_the_api_says_that_a_key_is_optional(visitor: Visitor) -> None:
    document = (await visitor.client.get("/openapi.json")).json()
    assert document["paths"][CLASSIFY]["post"]["security"] == [{}, {"key": []}]
