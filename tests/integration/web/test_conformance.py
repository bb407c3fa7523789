"""What HTTP allows clients to do, whatever they call: probes, proxies, old and unusual clients."""

import gzip

import httpx
import pytest

from tests.support.page.scripted_classifier import ScriptedClassifier
from tests.support.pictures.photos import encoded, scene
from tests.support.servers.raw_http import ask, connected

CLASSIFY = "/api/v1/classify"
PHOTO = encoded(scene())
LENGTH = b"Content-Length: %d\r\n" % len(PHOTO)
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def post(headers: bytes, body: bytes, host: bytes = b"Host: x\r\n", version: bytes = b"1.1") -> bytes:
    return b"POST %s HTTP/%s\r\n" % (CLASSIFY.encode(), version) + host + headers + b"\r\n" + body


def chunks(content: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(content), content)


@pytest.mark.parametrize("path", ["/", "/docs", "/healthz", "/readyz", "/metrics", "/api/v1/model", "/openapi.json"])
async def test_head_is_answered_as_get_without_a_body(client: httpx.AsyncClient, path: str) -> None:
    head, get = await client.head(path), await client.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == get.headers["content-type"]


async def test_head_of_an_address_that_takes_posts_only_is_no_get(client: httpx.AsyncClient) -> None:
    response = await client.head(CLASSIFY)
    assert (response.status_code, response.headers["allow"]) == (405, "OPTIONS, POST")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [(CLASSIFY, "OPTIONS, POST"), ("/healthz", "GET, HEAD, OPTIONS"), ("/predict", "GET, HEAD, OPTIONS, POST")],
)
async def test_options_names_the_methods(client: httpx.AsyncClient, path: str, allowed: str) -> None:
    response = await client.options(path)
    assert (response.status_code, response.headers["allow"], response.content) == (204, allowed, b"")
    assert (await client.delete(path)).headers["allow"] == allowed


async def test_redirects_follow_no_host(client: httpx.AsyncClient) -> None:
    headers = {"Host": "evil.example", "X-Forwarded-Proto": "https"}
    response = await client.post(f"{CLASSIFY}/?evidence=true", content=PHOTO, headers=headers)
    assert (response.status_code, response.headers["location"]) == (307, f"{CLASSIFY}?evidence=true")
    assert (await client.get("/predict", headers=headers)).headers["location"] == "/"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        (b"", 400),
        (b"Host: a\r\nHost: a\r\n", 400),
        (b"Host: a b\r\n", 400),
        (b"Host:\r\n", 400),
        (b"hOsT: a:80\r\n", 200),
    ],
)
async def test_a_request_names_one_host(client: httpx.AsyncClient, host: bytes, status: int) -> None:
    answer = await ask(client.base_url, post(LENGTH, PHOTO, host))
    assert answer.status == status
    assert status == 200 or answer.reason == "HOST_INVALID"


@pytest.mark.parametrize("host", [b"", b"Host: x\r\n"])
async def test_http_1_0_is_answered_on_a_connection_that_closes(client: httpx.AsyncClient, host: bytes) -> None:
    async with connected(client.base_url) as connection:
        await connection.send(post(LENGTH, PHOTO, host, b"1.0"))
        assert (await connection.answer()).status == 200
        assert await connection.is_closed()


@pytest.mark.parametrize(
    "request_bytes",
    [
        post(LENGTH + CHUNKED, PHOTO),
        post(CHUNKED + CHUNKED, chunks(PHOTO)),
        post(b"Transfer-Encoding: gzip\r\n", PHOTO),
        post(LENGTH + LENGTH, PHOTO),
        post(b"Content-Length: -1\r\n", PHOTO),
        post(b"Content-Length: 99999999999999999999\r\n", PHOTO),
        post(b"X-Folded: a\r\n b\r\n" + LENGTH, PHOTO),
        post(b"X-Space : a\r\n" + LENGTH, PHOTO),
        post(b"X-Null: a\x00b\r\n" + LENGTH, PHOTO),
        post(LENGTH, PHOTO).replace(b"\r\n", b"\n", 2),
        post(LENGTH, PHOTO, version=b"1.2"),
        post(CHUNKED, b"zz\r\n"),
        b"GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
    ids=lambda value: value[-60:].decode("latin-1") if len(value) < 200 else value.split(b"\r\n")[2].decode("latin-1"),
)
async def test_ambiguous_and_malformed_requests_are_refused(client: httpx.AsyncClient, request_bytes: bytes) -> None:
    async with connected(client.base_url) as connection:
        await connection.send(request_bytes)
        answer = await connection.answer()
        assert (answer.status, answer.reason) == (400, "REQUEST_INVALID")
        assert await connection.is_closed()


async def test_a_proxy_is_not_what_this_is(client: httpx.AsyncClient) -> None:
    answer = await ask(client.base_url, b"CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n")
    assert (answer.status, answer.reason) == (405, "METHOD_NOT_ALLOWED")
    answer = await ask(client.base_url, b"GET http://evil.example/healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n")
    assert answer.status == 200


UPGRADES = [
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
    b"Upgrade: websocket\r\nConnection: keep-alive, upgrade\r\n",
]


@pytest.mark.parametrize("upgrade", UPGRADES)
@pytest.mark.parametrize(("framing", "body"), [(LENGTH, PHOTO), (CHUNKED, chunks(PHOTO))])
@pytest.mark.parametrize("piece_bytes", [1 << 20, 150])
async def test_an_offer_of_an_upgrade_loses_no_body(
    client: httpx.AsyncClient,
    classifier: ScriptedClassifier,
    upgrade: bytes,
    framing: bytes,
    body: bytes,
    piece_bytes: int,
) -> None:
    request = (
        post(upgrade + framing, body)
        + post(framing, body)
        + b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
        + upgrade
        + b"\r\n"
    )
    pieces = [request[start : start + piece_bytes] for start in range(0, len(request), piece_bytes)]
    async with connected(client.base_url) as connection:
        await connection.send(*pieces)
        assert [(await connection.answer()).status for _ in range(3)] == [200] * 3
    assert [received.image for received in classifier.requests] == [PHOTO, PHOTO]


async def test_a_client_that_asks_before_it_sends_is_told_to_go_on(client: httpx.AsyncClient) -> None:
    async with connected(client.base_url) as connection:
        await connection.send(post(LENGTH + b"Expect: 100-continue\r\n", b""))
        assert await connection.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await connection.send(PHOTO)
        assert (await connection.answer()).status == 200


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate", "br", "zstd", "identity, gzip"])
async def test_a_compressed_body_is_no_photo(client: httpx.AsyncClient, encoding: str) -> None:
    response = await client.post(CLASSIFY, content=gzip.compress(PHOTO), headers={"Content-Encoding": encoding})
    assert (response.status_code, response.json()["reason"]) == (415, "CONTENT_ENCODING_UNSUPPORTED")
    assert response.headers["accept-encoding"] == "identity"
    answer = await ask(client.base_url, post(b"Transfer-Encoding: gzip, chunked\r\n", chunks(gzip.compress(PHOTO))))
    assert (answer.status, answer.reason) == (415, "CONTENT_ENCODING_UNSUPPORTED")
    plain = await client.post(CLASSIFY, content=PHOTO, headers={"Content-Encoding": "identity"})
    assert plain.status_code == 200


async def test_answers_of_the_api_are_not_stored(client: httpx.AsyncClient) -> None:
    answers = [
        await client.post(CLASSIFY, content=PHOTO),
        await client.post(CLASSIFY, content=b"text"),
        *[await client.get(path) for path in ("/api/v1/model", "/healthz", "/readyz", "/metrics", "/nothing", "/")],
        httpx.Response(200, headers=(await ask(client.base_url, b"x\r\n\r\n")).headers),
    ]
    assert [answer.headers.get("cache-control") for answer in answers] == ["no-store"] * len(answers)
