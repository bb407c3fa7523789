"""The limits of one connection, and of all of them: bytes and time of requests, requests in a row, connections."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest

from services.web.server import configuration, protocol
from tests.support.page.scripted_classifier import ScriptedClassifier, web_server
from tests.support.pictures.photos import encoded, scene
from tests.support.servers.raw_http import ask, connected

PHOTO = encoded(scene())
PROBE = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /api/v1/classify HTTP/1.1\r\nHost: x\r\n"
Web = Callable[..., AbstractAsyncContextManager[str]]


@pytest.fixture
def web(preprocess_port: int) -> Web:
    """Runs the web service with the settings that a test needs; yields its address."""

    @asynccontextmanager
    async def run(**settings: Any) -> AsyncIterator[str]:
        async with web_server(preprocess_port, **settings) as address:
            yield address

    return run


@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 70_000,
        b"GET /" + b"x" * 70_000,
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"x" * 70_000,
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X-Many: x\r\n" * 200,
        b"\r\n" * 40_000,
    ],
    ids=["value", "address", "name", "number", "line ends"],
)
@pytest.mark.parametrize("piece_bytes", [1 << 20, 5000])
async def test_endless_headers_are_refused(client: httpx.AsyncClient, head: bytes, piece_bytes: int) -> None:
    pieces = [head[start : start + piece_bytes] for start in range(0, len(head), piece_bytes)]
    async with connected(client.base_url) as connection:
        await connection.send(*pieces)
        answer = await connection.answer()
        assert (answer.status, answer.reason) == (431, "HEADER_TOO_LARGE")
        assert (answer.headers["connection"], answer.headers["content-type"]) == ("close", "application/problem+json")
        assert await connection.is_closed()


@pytest.mark.parametrize(
    "tail", [b"5;x=" + b"x" * 140_000, b"0\r\nX-Long: " + b"x" * 140_000, b"0\r\n" + b"X: x\r\n" * 200]
)
async def test_endless_chunk_extensions_and_trailers_are_refused(client: httpx.AsyncClient, tail: bytes) -> None:
    head = POST + b"Transfer-Encoding: chunked\r\n\r\n"
    answer = await ask(client.base_url, head, tail)
    assert (answer.status, answer.reason) == (431, "HEADER_TOO_LARGE")


async def test_a_body_in_very_many_small_pieces_is_refused(client: httpx.AsyncClient) -> None:
    head = POST + b"Transfer-Encoding: chunked\r\n\r\n"
    many = b"1\r\nx\r\n" * (protocol.MAX_SMALL_PIECES + 1)
    answer = await ask(client.base_url, head, many)
    assert (answer.status, answer.reason) == (400, "REQUEST_INVALID")
    small = b"".join(b"1\r\n%s\r\n" % PHOTO[at : at + 1] for at in range(500))
    rest = b"%x\r\n%s\r\n0\r\n\r\n" % (len(PHOTO) - 500, PHOTO[500:])
    assert (await ask(client.base_url, head, small, rest)).status == 200


async def test_large_headers_within_the_limit_and_trailers_are_accepted(client: httpx.AsyncClient) -> None:
    chunked = POST + b"X-Long: " + b"x" * 60_000 + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = b"".join(b"%x;name=value\r\n%s\r\n" % (len(piece), piece) for piece in (PHOTO[:100], PHOTO[100:]))
    assert (await ask(client.base_url, chunked + body + b"0\r\nX-Trailer: x\r\n\r\n")).status == 200


async def test_requests_that_do_not_wait_are_answered_in_order_up_to_a_limit(client: httpx.AsyncClient) -> None:
    async with connected(client.base_url) as connection:
        await connection.send(PROBE * (1 + protocol.MAX_PIPELINED_REQUESTS))
        assert [(await connection.answer()).status for _ in range(1 + protocol.MAX_PIPELINED_REQUESTS)] == [200] * 17
        await connection.send(PROBE * 5000)
        assert await connection.is_closed()


async def test_an_answer_that_is_under_way_is_finished_before_nonsense_ends_the_connection(
    client: httpx.AsyncClient, classifier: ScriptedClassifier
) -> None:
    classifier.gate.clear()
    async with connected(client.base_url) as connection:
        await connection.send(POST + b"Content-Length: %d\r\n\r\n" % len(PHOTO) + PHOTO + b"nonsense\r\n\r\n")
        await classifier.arrivals.acquire()
        classifier.gate.set()
        answer = await connection.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert await connection.is_closed()


async def test_no_more_is_read_while_a_request_waits_for_the_one_before(
    client: httpx.AsyncClient, classifier: ScriptedClassifier
) -> None:
    """The client can't send more than the buffers of the two kernels hold."""
    classifier.gate.clear()
    photo = PHOTO + bytes(150_000 - len(PHOTO))
    request = POST + b"Content-Length: %d\r\n\r\n" % len(photo) + photo
    async with connected(client.base_url) as connection:
        await connection.send(request)
        await classifier.arrivals.acquire()
        await connection.send(request)
        sending = asyncio.create_task(connection.send(*[request] * 200))
        assert (await ask(client.base_url, PROBE)).status == 200
        assert not sending.done()
        classifier.gate.set()
        assert [(await connection.answer()).status for _ in range(3)] == [200] * 3
        sending.cancel()


async def test_headers_must_arrive_in_time(web: Web) -> None:
    async with (
        web(header_timeout_seconds=0.3) as address,
        connected(address) as silent,
        connected(address) as half,
        connected(address) as kept,
    ):
        await half.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ")
        await kept.send(PROBE)
        assert (await kept.answer()).status == 200
        await kept.send(b"GET /hea")
        for connection in (half, kept):
            answer = await connection.answer()
            assert (answer.status, answer.reason) == (408, "REQUEST_TIMEOUT")
            assert await connection.is_closed()
        assert await silent.is_closed()


async def test_a_request_is_answered_though_the_connection_was_idle_before_it(
    web: Web, classifier: ScriptedClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(configuration, "KEEP_ALIVE_SECONDS", 0.5)
    async with web() as address, connected(address) as busy, connected(address) as idle:
        for connection in (busy, idle):
            await connection.send(PROBE)
            assert (await connection.answer()).status == 200
        classifier.gate.clear()
        await busy.send(POST + b"Content-Length: %d\r\n\r\n" % len(PHOTO) + PHOTO)
        assert await idle.is_closed()
        classifier.gate.set()
        assert (await busy.answer()).status == 200


async def test_line_ends_between_requests_do_not_keep_a_connection_open(web: Web) -> None:
    async with web(header_timeout_seconds=0.3) as address, connected(address) as connection:
        while not connection.has_ended:
            connection.writer.write(b"\r\n")
            await asyncio.sleep(0.05)


async def test_the_body_must_arrive_in_time_even_if_it_never_stops(web: Web) -> None:
    async with web(upload_timeout_seconds=0.5) as address, connected(address) as connection:
        await connection.send(POST + b"Content-Length: 100000\r\n\r\n")
        answered = asyncio.create_task(connection.answer())
        while not answered.done():
            connection.writer.write(b"x")
            await asyncio.sleep(0.02)
        answer = await answered
        assert (answer.status, answer.reason) == (408, "UPLOAD_TIMEOUT")


async def test_a_body_that_nobody_reads_can_not_keep_a_connection_open(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "LINGER_SECONDS", 0.3)
    async with connected(client.base_url) as connection:
        await connection.send(b"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nx")
        assert (await connection.answer()).status == 404
        while not connection.has_ended:
            connection.writer.write(b"x")
            await asyncio.sleep(0.02)


async def test_an_answer_that_nobody_reads_can_not_keep_a_connection_open(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "SEND_SECONDS", 0.2)
    photo = PHOTO + bytes(2**21 - len(PHOTO))  # the page repeats the photo
    form = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n' + photo + b"\r\n--b--\r\n"
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    request = head + b"Content-Length: %d\r\n\r\n" % len(form) + form
    async with web() as address, connected(address) as connection:
        with pytest.raises(ConnectionError):  # after more pages than the buffers of the two kernels hold
            await connection.send(*[request] * 20)


async def test_many_half_open_connections_of_one_client_give_way_to_its_next_ones(web: Web) -> None:
    async with web(max_connections_per_address=10) as address, AsyncExitStack() as stack:
        for _ in range(50):
            connection = await stack.enter_async_context(connected(address))
            await connection.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ")
            assert (await ask(address, PROBE)).status == 200
        metrics = await ask(address, PROBE.replace(b"/healthz", b"/metrics"))
        assert b'verger_http_refusals_total{reason="TOO_MANY_CONNECTIONS"}' in metrics.body


async def test_clients_at_other_addresses_do_not_notice(web: Web, classifier: ScriptedClassifier) -> None:
    classifier.gate.clear()
    request = POST + b"Content-Length: %d\r\n\r\n" % len(PHOTO) + PHOTO
    async with web(max_connections_per_address=3) as address, AsyncExitStack() as stack:
        busy = [await stack.enter_async_context(connected(address)) for _ in range(3)]
        for connection in busy:
            await connection.send(request)
            await classifier.arrivals.acquire()
        async with connected(address) as refused, connected(address, "127.0.0.2") as other:
            answer = await refused.answer()
            assert (answer.status, answer.reason) == (503, "TOO_MANY_CONNECTIONS")
            assert answer.headers["retry-after"] == "2"
            await other.send(PROBE)
            assert (await other.answer()).status == 200
        classifier.gate.set()
        assert [(await connection.answer()).status for connection in busy] == [200] * 3


async def test_refusals_are_counted_by_reason(client: httpx.AsyncClient) -> None:
    async def counted() -> float:
        lines = (await client.get("/metrics")).text.splitlines()
        return sum(
            float(line.split()[1]) for line in lines if line.startswith('verger_http_refusals_total{reason="REQ')
        )

    before = await counted()
    assert (await ask(client.base_url, b"nonsense\r\n\r\n")).reason == "REQUEST_INVALID"
    assert await counted() == before + 1
