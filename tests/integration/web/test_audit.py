"""The page of the audit, over real HTTP with a real database of keys."""

import re
from datetime import timedelta

import httpx
import pytest

from services.access import gate as timing
from services.access.audit import Action, Entry
from services.access.keys import Scope, new_secret
from services.web.page.audit import PAGE_ENTRIES
from tests.support.page.guarded_site import GuardedSite, Visitor, reason_in
from tests.support.waiting import eventually


@pytest.fixture
async def admin(site: GuardedSite) -> Visitor:
    visitor = await site.visitor()
    await visitor.sign_in(site.key("boss", Scope.ADMIN))
    return visitor


def rows_in(page: httpx.Response) -> list[list[str]]:
    """The cells of the table."""
    assert page.status_code == 200, page.text
    rows = re.findall(r"<tr>\s*(<td>.*?)</tr>", page.text, re.DOTALL)
    return [re.findall(r"<td>(.*?)</td>", row, re.DOTALL) for row in rows]


async def test_an_admin_sees_who_did_what_newest_first(admin: Visitor, site: GuardedSite) -> None:
    made = site.key("<b>shop</b>", lifetime=timedelta(days=1)).split("_")[1]
    site.store.revoke(made)
    assert 'href="/audit"' in (await admin.client.get("/")).text
    page = await admin.client.get("/audit")
    rows = rows_in(page)
    assert [(row[2], row[3], row[4]) for row in rows[:2]] == [
        ("key revoked", made, "done"),
        ("key made", made, "done"),
    ]
    assert "name: &lt;b&gt;shop&lt;/b&gt;" in rows[1][5]
    assert "<script" not in page.text


async def test_the_audit_is_in_french_as_well(admin: Visitor) -> None:
    page = await admin.client.get("/audit?lang=fr")
    assert "<h1>Journal d’audit</h1>" in page.text
    assert rows_in(page)[0][2] == "clé créée"


async def test_entries_come_a_page_at_a_time_and_none_is_missing(admin: Visitor, site: GuardedSite) -> None:
    names = [f"key {number:03}" for number in range(2 * PAGE_ENTRIES + 5)]
    site.store.write([Entry(name, "test", Action.REFUSE, "classify", "KEY_REVOKED") for name in names])
    seen, address = [], "/audit?action=key+refused&who=KEY"
    while address:
        page = await admin.client.get(address)
        seen += [row[1] for row in rows_in(page)]
        older = re.search(r'href="([^"]+)" rel="next"', page.text)
        address = older[1].replace("&amp;", "&") if older else ""
    assert seen == names[::-1]


async def test_entries_are_found_by_action_and_actor(admin: Visitor, site: GuardedSite) -> None:
    site.store.write([Entry("key 3f9a", "test", Action.REFUSE, "train", "SCOPE_MISSING")])
    site.store.write([Entry("key 8c21", "test", Action.REFUSE, "train", "SCOPE_MISSING")])

    async def found(**search: str) -> set[str]:
        return {row[1] for row in rows_in(await admin.client.get("/audit", params=search))}

    assert await found(who="3F9A") == {"key 3f9a"}
    assert await found(who="%") == set()
    assert await found(action="key refused") == {"key 3f9a", "key 8c21"}
    assert await found(action="key revoked") == set()
    assert await found(action="key refused", who="8c") == {"key 8c21"}


async def test_sign_ins_are_in_it_and_those_that_failed(
    admin: Visitor, site: GuardedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timing, "RECORD_SECONDS", 0.1)
    other = await site.visitor()
    key = site.key()
    await other.sign_in(key)
    await other.sign_in(new_secret().text)
    expected = {(f"key {key.split('_')[1]}", "done"), ("unknown", "KEY_UNKNOWN")}

    async def written() -> bool:
        rows = rows_in(await admin.client.get("/audit?action=sign-in"))
        return expected <= {(row[1], row[4]) for row in rows}

    await eventually(written, "the entries")


async def test_only_who_has_the_scope_admin_sees_it(site: GuardedSite) -> None:
    visitor = await site.visitor()
    stranger = await visitor.client.get("/audit")
    assert (stranger.status_code, reason_in(stranger)) == (401, "KEY_MISSING")
    assert 'href="/sign-in"' in stranger.text
    await visitor.sign_in(site.key())
    refused = await visitor.client.get("/audit")
    assert (refused.status_code, reason_in(refused)) == (403, "SCOPE_MISSING")
    assert 'href="/audit"' not in (await visitor.client.get("/")).text


@pytest.mark.parametrize("query", ["action=anything", "before=0", f"before={2**63}", "before=x", "who=" + 101 * "x"])
async def test_a_wrong_search_is_refused(admin: Visitor, query: str) -> None:
    refused = await admin.client.get(f"/audit?{query}")
    assert (refused.status_code, reason_in(refused)) == (400, "PARAMETER_INVALID")


async def test_while_the_database_is_away_the_page_says_so(admin: Visitor, site: GuardedSite) -> None:
    site.take_away_database()
    refused = await admin.client.get("/audit")
    assert (refused.status_code, reason_in(refused)) == (503, "ACCESS_UNAVAILABLE")


async def test_where_nobody_is_asked_for_a_key_there_is_no_audit(client: httpx.AsyncClient) -> None:
    assert (await client.get("/audit")).status_code == 404
