"""The limits of what one client may use of the web service: bytes, concurrency and time."""

import asyncio
import gc

import httpx
import pytest
import structlog

from tests.support.page.scripted_classifier import ScriptedClassifier, form, web_server
from tests.support.pictures.photos import encoded, scene

CLASSIFY = "/api/v1/classify"
PHOTO = encoded(scene())


async def test_an_endless_body_is_rejected_at_the_limit(client: httpx.AsyncClient) -> None:
    """The client sends until it gets the answer. The server stores nothing beyond the limit."""
    reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
    writer.write(f"POST {CLASSIFY} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    answered = asyncio.create_task(reader.readuntil(b"\r\n\r\n"))
    while not answered.done():
        writer.write(b"8000\r\n" + bytes(0x8000) + b"\r\n")
        await writer.drain()
        await asyncio.sleep(0)
    assert (await answered).startswith(b"HTTP/1.1 413")
    writer.close()
    await writer.wait_closed()


async def test_a_body_with_a_too_large_content_length_need_not_be_sent(client: httpx.AsyncClient) -> None:
    reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
    length = 10 * 2**30
    headers = f"Host: x\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n"
    writer.write(f"POST {CLASSIFY} HTTP/1.1\r\n{headers}\r\n".encode())
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 413")
    writer.close()
    await writer.wait_closed()


async def test_one_request_classifies_at_most_four_photos_at_a_time(
    client: httpx.AsyncClient, classifier: ScriptedClassifier
) -> None:
    classifier.gate.clear()
    request = asyncio.create_task(client.post(CLASSIFY, files=form(*[("x", PHOTO)] * 9)))
    for _ in range(4):
        await classifier.arrivals.acquire()
    assert (await client.get("/readyz")).status_code == 200  # a fifth photo would have arrived before this
    classifier.gate.set()
    response = await request
    assert [result["verdict"] for result in response.json()["results"]] == ["RECOGNISED"] * 9
    assert classifier.max_concurrent == 4


async def test_photos_in_memory_are_limited_over_all_requests(
    classifier: ScriptedClassifier, preprocess_port: int
) -> None:
    photo = PHOTO + bytes(50_000 - len(PHOTO))
    limits = {"max_image_bytes": 60_000, "max_request_bytes": 70_000, "max_buffered_bytes": 210_000}
    async with (
        web_server(preprocess_port, **limits) as address,
        httpx.AsyncClient(base_url=address, timeout=30) as client,
    ):
        classifier.gate.clear()
        first = asyncio.create_task(client.post(CLASSIFY, content=photo))
        await classifier.arrivals.acquire()
        rejected = await client.post(CLASSIFY, content=photo)
        assert (rejected.status_code, rejected.json()["reason"]) == (429, "OVERLOADED")
        classifier.gate.set()
        assert (await first).status_code == 200
        assert (await client.post(CLASSIFY, content=photo)).status_code == 200


async def test_a_disconnect_cancels_the_calls_without_an_error(
    classifier: ScriptedClassifier, preprocess_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    with structlog.testing.capture_logs() as lines:
        async with web_server(preprocess_port, request_timeout_seconds=300) as address:
            await _disconnect_before_the_answer(classifier, httpx.URL(address))
    gc.collect()  # asyncio logs an exception that nobody retrieved when its task is collected
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []
    assert [line["status"] for line in lines] == [499]


async def _disconnect_before_the_answer(classifier: ScriptedClassifier, url: httpx.URL) -> None:
    classifier.gate.clear()
    _, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(f"POST {CLASSIFY} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(PHOTO)}\r\n\r\n".encode() + PHOTO)
    await classifier.arrivals.acquire()
    writer.close()
    async with asyncio.timeout(60):
        await classifier.cancelled.wait()
