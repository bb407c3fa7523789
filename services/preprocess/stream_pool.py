"""Keeps streams to inference open: a tensor on an open stream costs a third of what one on a new stream does."""

import asyncio
from collections import deque
from contextlib import suppress
from typing import TypeAlias

import grpc
from verger.v1 import inference_pb2, inference_pb2_grpc

from services.common.process.tracing import tracing_enabled

Stream: TypeAlias = "grpc.aio.StreamStreamCall[inference_pb2.InferRequest, inference_pb2.InferResponse]"

LIFE_SECONDS = 1.0
"""A stream stays with the replica that it was opened to. Short lives share the load with replicas that come and let go
those that leave; longer ones would save nothing more."""


class StreamPool:
    """Lends each stream to one tensor at a time, so that giving up on an answer cancels that computation alone."""

    def __init__(self, stub: inference_pb2_grpc.InferenceServiceStub) -> None:
        self._stub = stub
        self._young: set[Stream] = set()
        self._idle: deque[Stream] = deque()  # the longest idle one is next: all get their share
        self._closing: set[asyncio.Task[None]] = set()
        # A trace travels in the metadata of a call, so a traced photo needs a stream of its own.
        self._life_seconds = 0 if tracing_enabled() else LIFE_SECONDS

    async def exchange(self, request: inference_pb2.InferRequest) -> inference_pb2.InferResponse | None:
        """Sends one request and returns its answer; None when inference ends the stream without one.

        A stream may break because the replica behind it goes. So what fails on a used one is sent once more, on a new
        one, for which the channel's retry policy holds.

        Raises:
            grpc.aio.AioRpcError: as the stream ended.
        """
        used = self._take_idle()
        if used is not None:
            try:
                answer = await self._exchange_on(used, request)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise
            else:
                if answer is not None:
                    return answer
        return await self._exchange_on(self._open(), request)

    def _take_idle(self) -> "Stream | None":
        while self._idle:
            stream = self._idle.popleft()
            if not stream.done():
                return stream
        return None

    def _open(self) -> Stream:
        stream: Stream = self._stub.Infer(wait_for_ready=True)
        if self._life_seconds:
            self._young.add(stream)
            asyncio.get_running_loop().call_later(self._life_seconds, self._expire, stream)
        return stream

    async def _exchange_on(
        self, stream: Stream, request: inference_pb2.InferRequest
    ) -> inference_pb2.InferResponse | None:
        """When this is cancelled, gRPC cancels the stream."""
        await stream.write(request)
        answer = await stream.read()
        if not isinstance(answer, inference_pb2.InferResponse):
            return None
        if stream in self._young:
            self._idle.append(stream)
        else:
            self._close(stream)
        return answer

    def _expire(self, stream: Stream) -> None:
        self._young.discard(stream)
        if stream in self._idle:
            self._idle.remove(stream)
            self._close(stream)

    def _close(self, stream: Stream) -> None:
        closing = asyncio.create_task(_end(stream))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


async def _end(stream: Stream) -> None:
    """Says that nothing more comes, and waits for inference to say the same: a clean end in its counters."""
    with suppress(grpc.aio.AioRpcError):
        await stream.done_writing()
        await stream.read()
