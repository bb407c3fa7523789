"""Calls over gRPC, blocking and for asyncio."""

import asyncio
import queue
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import uuid4

import grpc
from verger.v1 import classifier_pb2, classifier_pb2_grpc

from verger_client.address import Address
from verger_client.answers import Answer, Description
from verger_client.errors import Unavailable, VergerError
from verger_client.messages import DETAILS, Options, answer_of, description_of, error_of, request_for, status_from

_OPTIONS = [
    ("grpc.max_receive_message_length", 64 * 2**20),
    ("grpc.keepalive_time_ms", 60_000),  # finds connections whose other end has vanished
    ("grpc.service_config", '{"loadBalancingConfig": [{"round_robin": {}}]}'),  # uses all replicas behind a name
    ("grpc.enable_retries", 0),  # attempts.py repeats calls
]

Metadata = Sequence[tuple[str, str]]


def _metadata(key: str | None) -> Metadata:
    return (("authorization", f"Bearer {key}"),) if key else ()


def _failure(error: Any) -> VergerError:
    """Returns the error of a grpc.RpcError, blocking or asyncio."""
    details = dict(error.trailing_metadata() or ()).get(DETAILS, b"")
    return error_of(status_from(error.code().value[0], error.details() or "The call failed.", details))


class GrpcWire:
    """One connection for any number of threads."""

    def __init__(self, address: Address, key: str | None) -> None:
        credentials = grpc.ssl_channel_credentials(address.trusted()) if address.is_secure else None
        self._channel = (
            grpc.secure_channel(address.target, credentials, _OPTIONS)
            if credentials
            else grpc.insecure_channel(address.target, _OPTIONS)
        )
        self._stub = classifier_pb2_grpc.ClassifierServiceStub(self._channel)
        self._metadata = _metadata(key)

    def classify(self, image: bytes, options: Options, request_id: str, timeout: float) -> Answer:
        """Makes one attempt to classify a photo."""
        request = request_for(image, options, request_id)
        try:
            return answer_of(self._stub.Classify(request, timeout=timeout, metadata=self._metadata))
        except grpc.RpcError as error:
            raise _failure(error) from error

    def describe(self, timeout: float) -> Description:
        """Makes one attempt to describe the live version."""
        request = classifier_pb2.DescribeClassifierRequest()
        try:
            return description_of(self._stub.DescribeClassifier(request, timeout=timeout, metadata=self._metadata))
        except grpc.RpcError as error:
            raise _failure(error) from error

    def stream(self, options: Options) -> "GrpcStream":
        """Opens a stream of photos."""
        return GrpcStream(self._stub, self._metadata, options)

    def close(self) -> None:
        """Closes the connection."""
        self._channel.close()


class GrpcStream:
    """One stream. A photo is sent when it is given; answers come in any order."""

    def __init__(self, stub: Any, metadata: Metadata, options: Options) -> None:
        self._requests: queue.SimpleQueue[classifier_pb2.ClassifyRequest | None] = queue.SimpleQueue()
        self._call = stub.ClassifyStream(iter(self._requests.get, None), metadata=metadata)
        self._options, self._mark, self._sent = options, uuid4().hex, 0

    def send(self, image: bytes) -> str:
        """Sends a photo and returns the id of its request."""
        self._sent += 1
        request_id = f"{self._mark}-{self._sent}"
        self._requests.put(request_for(image, self._options, request_id))
        return request_id

    def receive(self, timeout: float) -> tuple[str, Answer | VergerError]:
        """Waits for the next answer; returns it with the id of its request. Raises VergerError if the stream broke."""
        watch = threading.Timer(timeout, self._call.cancel)
        watch.daemon = True
        watch.start()
        try:
            return outcome_of(next(self._call))
        except StopIteration:
            raise Unavailable("The server has ended the stream.") from None
        except grpc.RpcError as error:
            raise _failure(error) from error
        finally:
            watch.cancel()

    def close(self) -> None:
        """Ends the stream."""
        self._requests.put(None)
        self._call.cancel()


class AsyncGrpcWire:
    """One connection for an event loop."""

    def __init__(self, address: Address, key: str | None) -> None:
        self._channel = (
            grpc.aio.secure_channel(address.target, grpc.ssl_channel_credentials(address.trusted()), _OPTIONS)
            if address.is_secure
            else grpc.aio.insecure_channel(address.target, _OPTIONS)
        )
        self._stub: Any = classifier_pb2_grpc.ClassifierServiceStub(self._channel)
        self._metadata = _metadata(key)

    async def classify(self, image: bytes, options: Options, request_id: str, timeout: float) -> Answer:
        """Makes one attempt to classify a photo."""
        request = request_for(image, options, request_id)
        try:
            return answer_of(await self._stub.Classify(request, timeout=timeout, metadata=self._metadata))
        except grpc.RpcError as error:
            raise _failure(error) from error

    async def describe(self, timeout: float) -> Description:
        """Makes one attempt to describe the live version."""
        request = classifier_pb2.DescribeClassifierRequest()
        try:
            answer = await self._stub.DescribeClassifier(request, timeout=timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            raise _failure(error) from error
        return description_of(answer)

    def stream(self, options: Options) -> "AsyncGrpcStream":
        """Opens a stream of photos."""
        return AsyncGrpcStream(self._stub, self._metadata, options)

    async def close(self) -> None:
        """Closes the connection."""
        await self._channel.close()


class AsyncGrpcStream:
    """One stream for asyncio. `send` waits while the server is behind; answers come in any order."""

    def __init__(self, stub: Any, metadata: Metadata, options: Options) -> None:
        self._call = stub.ClassifyStream(metadata=metadata)
        self._options, self._mark, self._sent = options, uuid4().hex, 0

    async def send(self, image: bytes) -> str:
        """Sends a photo and returns the id of its request."""
        self._sent += 1
        request_id = f"{self._mark}-{self._sent}"
        with suppress(grpc.RpcError, asyncio.InvalidStateError):  # a broken stream; receive says why
            await self._call.write(request_for(image, self._options, request_id))
        return request_id

    async def receive(self, timeout: float) -> tuple[str, Answer | VergerError]:
        """Waits for the next answer; returns it with the id of its request. Raises VergerError if the stream broke."""
        try:
            response = await asyncio.wait_for(self._call.read(), timeout)
        except grpc.RpcError as error:
            raise _failure(error) from error
        except asyncio.TimeoutError:  # not the builtin before Python 3.11
            raise Unavailable("The stream gave no answer in time.") from None
        if response is grpc.aio.EOF:
            raise Unavailable("The server has ended the stream.")
        return outcome_of(response)

    def close(self) -> None:
        """Ends the stream."""
        self._call.cancel()


def outcome_of(response: classifier_pb2.ClassifyResponse) -> tuple[str, Answer | VergerError]:
    """Returns the id of the request, and what it came to."""
    found = error_of(response.error) if response.HasField("error") else answer_of(response)
    return response.request_id, found
