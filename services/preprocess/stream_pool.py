"""Keeps streams to inference open. A new stream for each tensor costs 0.5 to 1 ms more processor time a photo."""

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

import grpc
from verger.v1 import inference_pb2, inference_pb2_grpc

from services.common.process.tracing import tracing_enabled

Stream: TypeAlias = "grpc.aio.StreamStreamCall[inference_pb2.InferRequest, inference_pb2.InferResponse]"

MAX_TENSORS_PER_STREAM = 8
"""Number of tensors after which a stream is closed. A stream stays connected to one replica, and the channel opens
streams at all replicas in turn. Because each stream carries equally many tensors, the replicas get equal shares."""

MAX_IDLE_SECONDS = 1.0
"""Time without a tensor after which a stream is closed early, which shares the load with new replicas and releases old
ones. The age of a stream in use is no reason to close it: streams would carry unequal numbers under load."""


class StreamPool:
    """Lends each stream to one tensor at a time, so that cancelling one call cancels only its own computation."""

    def __init__(self, stub: inference_pb2_grpc.InferenceServiceStub) -> None:
        self._stub = stub
        self._idle: deque[_Idle] = deque()  # the stream that has been idle longest is next
        self._closing: set[asyncio.Task[None]] = set()
        # gRPC carries a trace in the metadata of a call, and a stream is one call. With tracing, each tensor therefore
        # gets a stream of its own.
        self._max_tensors = 1 if tracing_enabled() else MAX_TENSORS_PER_STREAM

    async def exchange(self, request: inference_pb2.InferRequest) -> inference_pb2.InferResponse | None:
        """Sends one request and returns its answer, or None if inference ends the stream without an answer.

        gRPC retries no stream that has already received an answer. A request that fails on a used stream, because the
        replica behind it has stopped, is therefore sent again on a new stream, to which the channel's retry policy
        applies.

        Raises:
            grpc.aio.AioRpcError: the stream ended with an error.
        """
        used = self._take_idle()
        if used is not None:
            try:
                answer = await self._exchange_on(used.stream, used.tensors_left, request)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise
            else:
                if answer is not None:
                    return answer
        return await self._exchange_on(self._stub.Infer(wait_for_ready=True), self._max_tensors, request)

    def _take_idle(self) -> "_Idle | None":
        while self._idle:
            idle = self._idle.popleft()
            if not idle.stream.done():
                return idle
        return None

    async def _exchange_on(
        self, stream: Stream, tensors_left: int, request: inference_pb2.InferRequest
    ) -> inference_pb2.InferResponse | None:
        """Sends one request on a stream. When this coroutine is cancelled, gRPC cancels the stream."""
        try:
            await stream.write(request)
        except grpc.aio.AioRpcError:
            return None  # gRPC calls it INTERNAL, and hides the status with which the stream has ended
        answer = await stream.read()
        if not isinstance(answer, inference_pb2.InferResponse):
            return None
        if tensors_left > 1:
            idle = _Idle(stream, tensors_left - 1)
            self._idle.append(idle)
            asyncio.get_running_loop().call_later(MAX_IDLE_SECONDS, self._expire, idle)
        else:
            self._close(stream)
        return answer

    def _expire(self, idle: "_Idle") -> None:
        if idle in self._idle:
            self._idle.remove(idle)
            self._close(idle.stream)

    def _close(self, stream: Stream) -> None:
        closing = asyncio.create_task(_end(stream))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


@dataclass(frozen=True, eq=False)
class _Idle:
    """A stream between two tensors. After the next one it is another object, which expires later."""

    stream: Stream
    tensors_left: int


async def _end(stream: Stream) -> None:
    """Half-closes a stream and waits until inference ends it, so that inference counts the call as OK."""
    with suppress(grpc.aio.AioRpcError):
        await stream.done_writing()
        await stream.read()
