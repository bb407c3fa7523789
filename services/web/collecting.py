"""Gives photos and reports to the collection. No answer waits for it, and none fails when it is away."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import grpc
import structlog
from prometheus_client import Counter
from verger.v1 import classifier_pb2, collection_pb2, collection_pb2_grpc

from engine.errors import VergerError
from services.common.errors import CollectionUnavailable
from services.common.rpc.statuses import from_rpc_error

log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")

MAX_WAITING_BYTES = 64 * 2**20
"""Photos that may wait for the collection. It is slow or away if there are more, and further ones are not kept."""

GIVEN = Counter("verger_http_photos_given_total", "Photos of answers that were given to the collection", ["result"])


class Collector:
    """The gRPC client of the collection."""

    def __init__(
        self, channel: grpc.aio.Channel, timeout_seconds: float, credentials: Callable[[], Sequence[tuple[str, str]]]
    ) -> None:
        """Creates the client.

        Args:
            channel: to the collection.
            timeout_seconds: deadline of one call.
            credentials: returns the metadata by which the collection recognises this service.
        """
        self._stub = collection_pb2_grpc.CollectionServiceStub(channel)
        self._timeout, self._credentials = timeout_seconds, credentials
        self._giving: dict[str, asyncio.Task[None]] = {}
        self._waiting_bytes = 0

    def keep(self, image: bytes, answer: classifier_pb2.ClassifyResponse, source: collection_pb2.PhotoSource) -> bool:
        """Begins to give a photo with its answer to the collection. Returns False if too many photos wait already."""
        if self._waiting_bytes + len(image) > MAX_WAITING_BYTES:
            GIVEN.labels("refused").inc()
            return False
        request = collection_pb2.AddPhotoRequest(
            request_id=answer.request_id,
            classifier=answer.classification.model.name,
            image=image,
            source=source,
            classification=without_evidence(answer.classification),
        )
        self._waiting_bytes += len(image)
        task = asyncio.create_task(self._give(request, len(image)))
        self._giving[answer.request_id] = task
        task.add_done_callback(lambda _: self._giving.pop(answer.request_id, None))
        return True

    async def add(self, request: collection_pb2.AddPhotoRequest) -> None:
        """Gives a photo to the collection.

        Raises:
            VergerError: it was not kept.
        """
        await self._call(self._stub.AddPhoto, request)

    async def report(self, request: collection_pb2.ReportAnswerRequest) -> None:
        """Says whether an answer was right, once its photo has arrived.

        Raises:
            VergerError: ANSWER_UNKNOWN if no photo with this answer is kept; others if it was not noted.
        """
        if giving := self._giving.get(request.request_id):
            await asyncio.wait([giving])
        await self._call(self._stub.ReportAnswer, request)

    async def close(self) -> None:
        """Waits for photos that are on their way, which takes no longer than a deadline."""
        if self._giving:
            await asyncio.wait(list(self._giving.values()))

    async def _give(self, request: collection_pb2.AddPhotoRequest, size: int) -> None:
        try:
            await self.add(request)
            GIVEN.labels("kept").inc()
        except VergerError as error:
            GIVEN.labels("failed").inc()
            log.warning("a photo was not kept", request_id=request.request_id, reason=error.reason)
        finally:
            self._waiting_bytes -= size

    async def _call(self, method: Callable[..., Awaitable[object]], request: object) -> None:
        await call_collection(method, request, self._timeout, self._credentials())


async def call_collection(
    method: Callable[..., Awaitable[Answer]],
    request: object,
    timeout_seconds: float,
    credentials: Sequence[tuple[str, str]],
) -> Answer:
    """Calls a method of the collection.

    Raises:
        VergerError: with the collection's own reason, or COLLECTION_UNAVAILABLE.
    """
    try:
        return await method(request, timeout=timeout_seconds, metadata=list(credentials))
    except grpc.aio.AioRpcError as error:
        remote = from_rpc_error(error)
        if remote.code in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
            log.error("the collection refuses this service", reason=remote.reason, message=str(remote))
        elif remote.reason != remote.code:  # the collection gave a reason of its own
            raise remote from error
        text = "The collection of photos can't be reached at the moment. Try again in a few seconds."
        raise CollectionUnavailable(text) from error


def without_evidence(answer: classifier_pb2.Classification) -> classifier_pb2.Classification:
    """Returns what the collection keeps of an answer."""
    kept = classifier_pb2.Classification()
    kept.CopyFrom(answer)
    kept.ClearField("evidence")
    return kept
