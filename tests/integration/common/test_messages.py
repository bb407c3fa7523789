"""Bytes that are no message, messages that never come, and memory for all that do. The servers are real."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator

import grpc
import pytest
import structlog
from grpc_health.v1 import health_pb2
from verger.v1 import classifier_pb2, classifier_pb2_grpc

from services.common.process import settings
from services.common.process.settings import ServiceSettings
from services.common.rpc import inbox
from services.common.rpc.inbox import Incoming
from services.common.rpc.server import running_server
from services.common.rpc.streams import answer_as_ready
from tests.support.background import in_background
from tests.support.statuses import code_and_reason
from tests.support.waiting import eventually

SERVICE = "verger.v1.ClassifierService"
UNARY, STREAM = f"/{SERVICE}/Classify", f"/{SERVICE}/ClassifyStream"
GARBAGE = b"\xff\xff\xff\xff"
Request, Response = classifier_pb2.ClassifyRequest, classifier_pb2.ClassifyResponse


class Echo(classifier_pb2_grpc.ClassifierServiceServicer):
    """Answers with the request id, once `may_answer` is set."""

    def __init__(self) -> None:
        self.reached = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def Classify(self, request: Request, context: object) -> Response:
        return await self._answer(request)

    async def ClassifyStream(self, requests: Incoming[Request], context: object) -> AsyncIterator[Response]:
        async for response in answer_as_ready(requests, self._answer, max_in_flight=8):
            yield response

    async def _answer(self, request: Request) -> Response:
        self.reached += 1
        await self.may_answer.wait()
        return Response(request_id=request.request_id)


@pytest.fixture
def channel() -> Iterator[grpc.Channel]:
    with in_background(echo_server(Echo())) as server, grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield channel


def echo_server(servicer: Echo, **settings: object):  # type: ignore[no-untyped-def]
    def add(server: grpc.aio.Server) -> None:
        classifier_pb2_grpc.add_ClassifierServiceServicer_to_server(servicer, server)

    return running_server(ServiceSettings(**settings), 0, 0, [SERVICE], add)


MALFORMED = {
    "unary": (UNARY, "unary_unary"),
    "stream": (STREAM, "stream_stream"),
    "health": ("/grpc.health.v1.Health/Check", "unary_unary"),
    "health stream": ("/grpc.health.v1.Health/Watch", "unary_stream"),
    "reflection": ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "stream_stream"),
}


def failure_of(channel: grpc.Channel, method: str, kind: str, messages: list[bytes]) -> grpc.RpcError:
    """Sends raw messages and returns how the call failed."""
    call = getattr(channel, kind)(method)
    request = iter(messages) if kind.startswith("stream") else messages[0]
    try:
        answer = call(request, timeout=10)
        list(answer if kind.endswith("stream") else [])
    except grpc.RpcError as error:
        return error
    raise AssertionError("The call did not fail.")


@pytest.mark.parametrize("case", MALFORMED)
def test_bytes_that_are_no_message_are_the_senders_fault(
    channel: grpc.Channel, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    with structlog.testing.capture_logs() as lines:
        failure = failure_of(channel, *MALFORMED[case], [GARBAGE])
    assert code_and_reason(failure) == (grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_MALFORMED")
    assert "Error" not in str(failure.details())
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert not [line for line in lines if line["log_level"] in ("warning", "error")]


def test_the_server_goes_on_after_malformed_messages(channel: grpc.Channel) -> None:
    for _ in range(20):
        for method, kind in MALFORMED.values():
            failure_of(channel, method, kind, [GARBAGE])
    stub = classifier_pb2_grpc.ClassifierServiceStub(channel)
    assert stub.Classify(Request(request_id="fine"), timeout=10).request_id == "fine"
    answers = stub.ClassifyStream(iter([Request(request_id="a"), Request(request_id="b")]), timeout=10)
    assert sorted(answer.request_id for answer in answers) == ["a", "b"]
    check = channel.unary_unary(
        "/grpc.health.v1.Health/Check",
        health_pb2.HealthCheckRequest.SerializeToString,
        health_pb2.HealthCheckResponse.FromString,
    )
    assert check(health_pb2.HealthCheckRequest(), timeout=10).status == health_pb2.HealthCheckResponse.SERVING


def test_a_call_without_a_message_is_the_senders_fault(channel: grpc.Channel) -> None:
    empty = channel.stream_unary(UNARY)
    with pytest.raises(grpc.RpcError) as failure:
        empty(iter([]), timeout=10)
    assert code_and_reason(failure.value) == (grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_MALFORMED")


async def test_messages_wait_for_memory_and_are_all_answered_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred photos of 2 MiB come on streams, where one client's share of the memory is 16 MiB.

    Three earlier photos have told the server what size it has to expect: it keeps 8 MiB for a first one.
    """
    monkeypatch.setattr(settings, "memory_limit_bytes", lambda: 0)  # which leaves the least budget
    monkeypatch.setattr(inbox, "ARRIVAL_SECONDS", 60)  # no memory is given up where this process is slow
    servicer = Echo()
    async with (
        echo_server(servicer, max_image_bytes=1024) as server,
        grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        stub = classifier_pb2_grpc.ClassifierServiceStub(channel)

        async def stream(length: int) -> int:
            async def photos() -> AsyncIterator[Request]:
                for number in range(length):
                    yield Request(request_id=str(number), image=bytes(2**21 - 1000))

            return len([answer async for answer in stub.ClassifyStream(photos(), timeout=60)])

        earlier = await stream(3)
        servicer.may_answer.clear()
        streams = [asyncio.create_task(stream(10)) for _ in range(10)]

        async def as_many_as_fit_have_arrived() -> bool:
            return servicer.reached - earlier >= 8

        await eventually(as_many_as_fit_have_arrived, "the first photos")
        await asyncio.sleep(1)
        assert servicer.reached - earlier == 8, "more photos are held than there is memory for"
        servicer.may_answer.set()
        assert await asyncio.gather(*streams) == [10] * 10


async def test_calls_whose_message_does_not_come_keep_no_memory_from_others() -> None:
    async with echo_server(Echo()) as server, grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = classifier_pb2_grpc.ClassifierServiceStub(channel)
        silent = [stub.ClassifyStream() for _ in range(50)]
        for stream in silent:
            await stream.write(Request(request_id="first"))
            await stream.read()
        assert (await stub.Classify(Request(request_id="mine"), timeout=30)).request_id == "mine"
        for stream in silent:
            await stream.write(Request(request_id="late"))
            answer = await stream.read()
            assert isinstance(answer, Response)
            assert answer.request_id == "late"
            stream.cancel()
