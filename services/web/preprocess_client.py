"""The gRPC client of the preprocess service, for the page and the REST API alike."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, TypeVar
from urllib.parse import quote

import grpc
import structlog
from verger.v1 import classifier_pb2, classifier_pb2_grpc, model_pb2

from engine.errors import Unavailable, VergerError
from services.common.errors import DeadlineExceeded
from services.common.rpc.clients import USER_METADATA_KEY
from services.common.rpc.statuses import from_rpc_error

log = structlog.get_logger(__name__)

MAX_DESCRIPTION_AGE_SECONDS = 1.0
"""Age from which a description is requested again, so that a new champion soon shows on the page."""

DESCRIBE_TIMEOUT_SECONDS = 2.0
"""Deadline of a description. It is short because pages and readiness checks wait for it."""

Answer = TypeVar("Answer")


class Wanted(NamedTuple):
    """What an answer shall contain."""

    top_k: int = 0
    """Number of predictions, best first; 0 for all."""

    evidence: bool = False
    """Whether to add an evidence map, if the model offers one."""


class PreprocessClient:
    """Classifies photos and describes the model that answers. Every call has a deadline."""

    def __init__(
        self,
        photos: grpc.aio.Channel,
        descriptions: grpc.aio.Channel,
        timeout_seconds: float,
        credentials: Callable[[], Sequence[tuple[str, str]]] = tuple,
    ) -> None:
        """Creates the client.

        Args:
            photos: a channel to all replicas of preprocess, for photos only, so that replicas get equal shares.
            descriptions: another channel to the same replicas, for questions about the model.
            timeout_seconds: deadline of one classification, including the wait for a service that restarts.
            credentials: returns the metadata by which preprocess recognises this service; none where it asks nobody.
        """
        self._photos_channel, self._descriptions_channel = photos, descriptions
        self._photos = classifier_pb2_grpc.ClassifierServiceStub(photos)
        self._descriptions = classifier_pb2_grpc.ClassifierServiceStub(descriptions)
        self._timeout = timeout_seconds
        self._credentials = credentials
        self._description: classifier_pb2.DescribeClassifierResponse | None = None
        self._described_at = 0.0
        self._describing: asyncio.Task[classifier_pb2.DescribeClassifierResponse] | None = None

    async def classify(
        self, image: bytes, request_id: str, wanted: Wanted, user: str = ""
    ) -> classifier_pb2.ClassifyResponse:
        """Classifies one encoded photo.

        Args:
            image: the photo.
            request_id: identifies it in logs.
            wanted: what the answer shall contain.
            user: address of the browser, so that capacity is shared fairly between people.

        Raises:
            VergerError: preprocess or inference refused the photo, or no service answered before the deadline.
        """
        request = classifier_pb2.ClassifyRequest(
            request_id=request_id, image=image, top_k=wanted.top_k, include_evidence=wanted.evidence
        )
        # wait_for_ready: while preprocess restarts, calls wait for the connection instead of failing.
        named = (USER_METADATA_KEY, quote(user, safe=":./"))  # a proxy may have named anything
        metadata = [named, *self._credentials()]
        call = self._photos.Classify(request, timeout=self._timeout, wait_for_ready=True, metadata=metadata)
        return await _answer(call, self._photos_channel)

    async def describe(self) -> classifier_pb2.DescribeClassifierResponse:
        """Describes the model that answers now. The call passes through preprocess and inference.

        Raises:
            VergerError: no model is live, or a service did not answer before the deadline.
        """
        request = classifier_pb2.DescribeClassifierRequest()
        metadata = list(self._credentials())
        call = self._descriptions.DescribeClassifier(request, timeout=DESCRIBE_TIMEOUT_SECONDS, metadata=metadata)
        return await _answer(call, self._descriptions_channel)

    async def recent_description(self) -> classifier_pb2.DescribeClassifierResponse:
        """Returns a description at most MAX_DESCRIPTION_AGE_SECONDS old.

        Raises:
            VergerError: as describe.
        """
        known = self._description
        if known is not None and time.monotonic() - self._described_at < MAX_DESCRIPTION_AGE_SECONDS:
            return known
        return await self._describe_together()

    async def classes_of(self, answer: classifier_pb2.Classification) -> Sequence[model_pb2.ClassInfo]:
        """Returns the classes of the version that answered; those of the answer, without names, if it can't be had."""
        try:
            known = self._description
            if known is None or known.model.ref != answer.model:
                known = await self._describe_together()
            return known.model.contract.classes
        except VergerError:
            return [model_pb2.ClassInfo(label=item.label) for item in answer.predictions]

    async def _describe_together(self) -> classifier_pb2.DescribeClassifierResponse:
        if self._describing is None:  # concurrent callers share one call
            self._describing = asyncio.create_task(self.describe())
            self._describing.add_done_callback(self._store)
        return await asyncio.shield(self._describing)

    def _store(self, described: asyncio.Task[classifier_pb2.DescribeClassifierResponse]) -> None:
        self._describing = None
        if not described.cancelled() and described.exception() is None:
            self._description, self._described_at = described.result(), time.monotonic()


async def _answer(call: Awaitable[Answer], channel: grpc.aio.Channel) -> Answer:
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise _translate(error, channel) from error


def _translate(error: grpc.aio.AioRpcError, channel: grpc.aio.Channel) -> VergerError:
    remote = from_rpc_error(error)
    if remote.code in ("UNAUTHENTICATED", "PERMISSION_DENIED"):  # about the key of this process, not about the caller's
        log.error("preprocess refuses this service", reason=remote.reason, message=str(remote))
        return Unavailable("The classifier is temporarily unavailable. Try again in a few seconds.")
    if remote.reason != remote.code:  # a service gave a reason of its own
        return remote
    is_disconnected = channel.get_state() is not grpc.ChannelConnectivity.READY
    if remote.code in ("UNAVAILABLE", "CANCELLED") or (remote.code == "DEADLINE_EXCEEDED" and is_disconnected):
        return Unavailable("The classifier is temporarily unavailable. Try again in a few seconds.")
    if remote.code == "DEADLINE_EXCEEDED":
        return DeadlineExceeded("The answer took too long. Try again, perhaps with a smaller photo.")
    return remote
