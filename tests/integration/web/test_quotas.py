"""A site that limits what keys and addresses may send, over real HTTP with a real database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from services.web.config import WebSettings
from tests.support.page.guarded_site import PHOTO, GuardedSite, reason_in
from tests.support.page.scripted_classifier import ScriptedClassifier, form

CLASSIFY = "/api/v1/classify"
LIMITS = {
    "public_scopes": "classify",
    "max_image_bytes": 20_000,
    "max_request_bytes": 200_000,
    "max_buffered_bytes": 10**9,
    "key_photos_per_minute": 5,
    "address_photos_per_minute": 3,
    "key_calls_at_once": 2,
}


async def sent(client: httpx.AsyncClient, key: str = "", photos: int = 1, **headers: str) -> httpx.Response:
    if key:
        headers["Authorization"] = f"Bearer {key}"
    if photos == 1:
        return await client.post(CLASSIFY, content=PHOTO, headers=headers)
    return await client.post(CLASSIFY, files=form(*(("a.jpg", PHOTO) for _ in range(photos))), headers=headers)


@pytest.fixture
async def client(site: GuardedSite) -> httpx.AsyncClient:
    return (await site.visitor(await site.start_web(**LIMITS))).client


@asynccontextmanager
async def from_address(client: httpx.AsyncClient, address: str) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.AsyncHTTPTransport(local_address=address)
    async with httpx.AsyncClient(base_url=client.base_url, transport=transport, timeout=60) as other:
        yield other


async def test_a_key_that_has_sent_its_photos_is_told_when_to_come_back(
    client: httpx.AsyncClient, site: GuardedSite, classifier: ScriptedClassifier
) -> None:
    key = site.key()
    for left in (4, 3, 2, 1, 0):
        answer = await sent(client, key)
        assert answer.status_code == 200
        assert answer.headers["ratelimit-policy"] == '"photos";q=5;w=60, "calls";q=2;qu="concurrent-requests"'
        assert answer.headers["ratelimit"].startswith(f'"photos";r={left};t=')
    refused = await sent(client, key)
    assert refused.status_code == 429
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["reason"] == "QUOTA_EXCEEDED"
    assert "This key may send 5 photos a minute. Wait" in refused.json()["detail"]
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert f";t={refused.headers['retry-after']}" in refused.headers["ratelimit"]
    assert len(classifier.requests) == 5
    assert (await sent(client, site.key("other"))).status_code == 200


async def test_each_photo_of_a_request_counts(client: httpx.AsyncClient, site: GuardedSite) -> None:
    key = site.key()
    assert (await sent(client, key, photos=3)).status_code == 200
    refused = await sent(client, key, photos=3)
    assert (refused.status_code, refused.json()["reason"]) == (429, "QUOTA_EXCEEDED")
    assert (await sent(client, key, photos=1)).status_code == 200


async def test_a_request_with_more_photos_than_a_minute_has_is_told_so(
    client: httpx.AsyncClient, site: GuardedSite
) -> None:
    refused = await sent(client, site.key(), photos=7)
    assert (refused.status_code, refused.json()["reason"]) == (413, "QUOTA_TOO_SMALL")


async def test_calls_without_a_key_count_for_their_address_whatever_they_claim(
    client: httpx.AsyncClient, site: GuardedSite
) -> None:
    async with from_address(client, "127.0.0.2") as stranger:
        claims = [{"X-Forwarded-For": f"198.51.100.{number}"} for number in range(4)]
        statuses = [(await sent(stranger, **claim)).status_code for claim in claims]
        assert statuses == [200, 200, 200, 429]
        assert "This address may send 3 photos" in (await sent(stranger)).json()["detail"]
        assert (await sent(stranger, site.key())).status_code == 200
    async with from_address(client, "127.0.0.3") as other:
        assert (await sent(other)).status_code == 200


async def test_a_trusted_proxy_says_whose_call_it_is(client: httpx.AsyncClient) -> None:
    async with from_address(client, "127.0.0.1") as proxy:
        for name in ("198.51.100.1", "198.51.100.2", "no:address at all"):
            statuses = [(await sent(proxy, **{"X-Forwarded-For": name})).status_code for _ in range(4)]
            assert statuses == [200, 200, 200, 429]


async def test_a_visitor_who_has_signed_in_counts_for_the_key(site: GuardedSite) -> None:
    visitor = await site.visitor(await site.start_web(**LIMITS))
    key = site.key()
    await visitor.sign_in(key)
    assert [await visitor.reason(None) for _ in range(5)] == [""] * 5
    refused = await visitor.send(**{"Accept-Language": "fr"})
    assert (refused.status_code, reason_in(refused)) == (429, "QUOTA_EXCEEDED")
    assert "Attendez une minute" in refused.text
    assert int(refused.headers["retry-after"]) > 0
    assert (await sent(visitor.client, key)).status_code == 429


async def test_what_is_no_photo_is_not_counted(client: httpx.AsyncClient, site: GuardedSite) -> None:
    headers = {"Authorization": f"Bearer {site.key()}"}
    for _ in range(10):
        answer = await client.get("/api/v1/model", headers=headers)
        assert answer.status_code == 200
        assert "ratelimit" not in answer.headers


async def test_calls_at_once_are_limited_for_each_key(
    client: httpx.AsyncClient, site: GuardedSite, classifier: ScriptedClassifier
) -> None:
    key = site.key()
    classifier.gate.clear()
    under_way = [asyncio.create_task(sent(client, key)) for _ in range(2)]
    for _ in under_way:
        await classifier.arrivals.acquire()
    refused = await sent(client, key)
    assert (refused.status_code, refused.json()["reason"]) == (429, "QUOTA_EXCEEDED")
    assert "2 calls at once" in refused.json()["detail"]
    assert refused.headers["retry-after"] == "1"
    other = asyncio.create_task(sent(client, site.key("other")))
    await classifier.arrivals.acquire()
    classifier.gate.set()
    assert [answer.status_code for answer in await asyncio.gather(*under_way, other)] == [200, 200, 200]
    assert (await sent(client, key)).status_code == 200


async def test_bytes_are_counted_before_they_are_read_or_as_they_were_read(
    site: GuardedSite,
) -> None:
    size = 6 * len(PHOTO)
    least = WebSettings(_env_file=None, max_image_bytes=size).max_received_bytes
    web = await site.start_web(max_image_bytes=size, key_bytes_per_minute=least)
    client, key = (await site.visitor(web)).client, site.key()
    headers = {"Authorization": f"Bearer {key}"}

    async def pieces() -> AsyncIterator[bytes]:
        yield PHOTO

    left = least
    for body in (PHOTO, pieces()):
        answer = await client.post(CLASSIFY, content=body, headers=headers)
        left -= len(PHOTO)
        assert answer.headers["ratelimit"].startswith(f'"bytes";r={left};t=')
    assert 'qu="content-bytes"' in answer.headers["ratelimit-policy"]
