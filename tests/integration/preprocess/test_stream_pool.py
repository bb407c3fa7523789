"""Streams to inference are reused, and callers do not notice when one of them ends."""

import asyncio
import threading
import time
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest
from verger.v1 import classifier_pb2, inference_pb2, inference_pb2_grpc, model_pb2

from services.preprocess import stream_pool
from services.preprocess.stream_pool import MAX_TENSORS_PER_STREAM, StreamPool
from tests.support.background import in_background
from tests.support.servers.mlflow_server import free_port
from tests.support.servers.scripted_inference import ScriptedInference, scripted_server
from tests.support.waiting import eventually


class Inference(inference_pb2_grpc.InferenceServiceServicer):
    """Answers requests, and counts its streams and requests."""

    def __init__(self) -> None:
        self.opened = self.asked = self.ended = self.cancelled = 0
        self.break_after = 0
        self.seconds = 0.0
        self.answering = asyncio.Event()
        self.answering.set()

    async def Infer(
        self, requests: AsyncIterable[inference_pb2.InferRequest], context: grpc.aio.ServicerContext
    ) -> AsyncIterator[inference_pb2.InferResponse]:
        self.opened += 1
        answered = 0
        try:
            async for request in requests:
                self.asked += 1
                if self.break_after and answered == self.break_after:
                    await context.abort(grpc.StatusCode.UNAVAILABLE)
                await self.answering.wait()
                await asyncio.sleep(self.seconds)
                answered += 1
                yield inference_pb2.InferResponse(
                    request_id=request.request_id, classification=classifier_pb2.Classification()
                )
            self.ended += 1
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    async def is_over(self) -> bool:
        return self.ended + self.cancelled > 0

    async def has_ended_two(self) -> bool:
        return self.ended == 2

    async def has_ended_three(self) -> bool:
        return self.ended == 3

    async def has_all_four(self) -> bool:
        return self.asked == 4


class OneAnswerPerStream(ScriptedInference):
    """Ends each stream after its first answer."""

    def __init__(self) -> None:
        super().__init__(model_pb2.ModelContract())
        self.has_ended = threading.Event()

    async def Infer(
        self, requests: AsyncIterable[inference_pb2.InferRequest], context: object
    ) -> AsyncIterator[inference_pb2.InferResponse]:
        self.has_ended.clear()
        async for response in super().Infer(requests, context):
            yield response
            break
        self.has_ended.set()

    def wait_for_the_end(self) -> None:
        """Blocks the event loop of the caller until a stream has ended."""
        assert self.has_ended.wait(60)
        time.sleep(0.2)  # until gRPC's own threads know it; if this is too short, the end is noticed while reading


@asynccontextmanager
async def running(inference: Inference) -> AsyncIterator[StreamPool]:
    server = grpc.aio.server()
    inference_pb2_grpc.add_InferenceServiceServicer_to_server(inference, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield StreamPool(inference_pb2_grpc.InferenceServiceStub(channel))
    finally:
        await server.stop(None)


async def ask(pool: StreamPool, request_id: str) -> str:
    answer = await pool.exchange(inference_pb2.InferRequest(request_id=request_id))
    assert answer is not None
    return answer.request_id


@pytest.fixture(autouse=True)
def no_stream_is_idle_for_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps streams open on slow machines."""
    monkeypatch.setattr(stream_pool, "MAX_IDLE_SECONDS", 60)


async def test_consecutive_requests_share_one_stream() -> None:
    inference = Inference()
    async with running(inference) as pool:
        assert [await ask(pool, str(number)) for number in range(5)] == ["0", "1", "2", "3", "4"]
        assert inference.opened == 1


async def test_each_stream_carries_equally_many_tensors() -> None:
    inference = Inference()
    async with running(inference) as pool:
        for number in range(3 * MAX_TENSORS_PER_STREAM):
            assert await ask(pool, str(number)) == str(number)
        await eventually(inference.has_ended_three, "the end of all streams")
        assert (inference.opened, inference.cancelled) == (3, 0)


async def test_simultaneous_requests_have_a_stream_each() -> None:
    inference = Inference()
    async with running(inference) as pool:
        for _ in range(2):
            assert await asyncio.gather(*(ask(pool, name) for name in "abc")) == ["a", "b", "c"]
        assert inference.opened == 3


async def test_with_tracing_each_request_has_a_stream_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    inference = Inference()
    async with running(inference) as pool:
        assert [await ask(pool, name) for name in ("first", "second")] == ["first", "second"]
        await eventually(inference.has_ended_two, "the end of both streams")
        assert (inference.opened, inference.cancelled) == (2, 0)


async def test_an_idle_stream_is_closed_without_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_pool, "MAX_IDLE_SECONDS", 0.2)
    inference = Inference()
    async with running(inference) as pool:
        await ask(pool, "first")
        await eventually(inference.is_over, "the end of the stream")
        assert (inference.ended, inference.cancelled) == (1, 0)
        await ask(pool, "second")
        assert inference.opened == 2


async def test_a_stream_in_use_is_not_closed_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams in use carry equally many tensors, however slow these are, and so replicas get equal shares."""
    monkeypatch.setattr(stream_pool, "MAX_IDLE_SECONDS", 2)
    inference = Inference()
    inference.seconds = 0.3
    async with running(inference) as pool:
        for number in range(MAX_TENSORS_PER_STREAM):
            assert await ask(pool, str(number)) == str(number)
        await eventually(inference.is_over, "the end of the stream")
        assert (inference.opened, inference.ended) == (1, 1)


async def test_a_request_on_a_used_stream_that_breaks_is_sent_again() -> None:
    inference = Inference()
    inference.break_after = 1
    async with running(inference) as pool:
        assert [await ask(pool, name) for name in ("first", "second")] == ["first", "second"]
        assert inference.opened == 2


async def test_a_request_on_a_stream_that_has_ended_unnoticed_is_sent_again() -> None:
    """The event loop is busy while the stream ends, so that only the attempt to write finds out."""
    inference = OneAnswerPerStream()
    with in_background(scripted_server(inference, port := free_port())):
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            pool = StreamPool(inference_pb2_grpc.InferenceServiceStub(channel))
            for name in ("first", "second", "third"):
                assert await ask(pool, name) == name
                inference.wait_for_the_end()
    assert inference.started == 3


async def test_cancelling_a_request_cancels_only_its_own_stream() -> None:
    inference = Inference()
    async with running(inference) as pool:
        await asyncio.gather(ask(pool, "a"), ask(pool, "b"))
        inference.answering.clear()
        cancelled, kept = asyncio.create_task(ask(pool, "c")), asyncio.create_task(ask(pool, "d"))
        await eventually(inference.has_all_four, "the arrival of both")
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        await eventually(inference.is_over, "the end of the stream")
        assert (inference.ended, inference.cancelled) == (0, 1)
        inference.answering.set()
        assert await kept == "d"
