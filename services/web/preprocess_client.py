"""The way to the preprocess service: one gRPC client, used by page and API alike."""

import asyncio
import time
from collections.abc import Awaitable
from typing import TypeVar

import grpc
from verger.v1 import classifier_pb2, classifier_pb2_grpc, model_pb2

from engine.errors import Unavailable, VergerError
from services.common.errors import DeadlineExceeded
from services.common.rpc.statuses import from_rpc_error

DESCRIPTION_SECONDS = 1.0
"""A description is asked for again when it is older than this, so that a new champion shows up at once."""

DESCRIBE_TIMEOUT_SECONDS = 2.0
"""A page or a readiness check without an answer soon is worth more than one with an answer late."""

Answer = TypeVar("Answer")


class Classifier:
    """Classifies photos and describes the model that does it. Every call has a deadline."""

    def __init__(self, channel: grpc.aio.Channel, timeout_seconds: float) -> None:
        """timeout_seconds limits one classification, waits for a service that restarts included."""
        self._channel = channel
        self._stub = classifier_pb2_grpc.ClassifierServiceStub(channel)
        self._timeout = timeout_seconds
        self._description: classifier_pb2.DescribeClassifierResponse | None = None
        self._described_at = 0.0
        self._describing: asyncio.Task[classifier_pb2.DescribeClassifierResponse] | None = None

    async def classify(
        self, image: bytes, request_id: str, *, include_evidence: bool
    ) -> classifier_pb2.ClassifyResponse:
        """Asks what a photo shows, and if include_evidence, which part of it says so.

        Raises:
            VergerError: whatever preprocess or inference refused, or that neither answered in time.
        """
        request = classifier_pb2.ClassifyRequest(request_id=request_id, image=image, include_evidence=include_evidence)
        # wait_for_ready: a preprocess service that restarts costs its clients a wait, not an error.
        call = self._stub.Classify(request, timeout=self._timeout, wait_for_ready=True)
        return await self._answer(call)

    async def describe(self) -> classifier_pb2.DescribeClassifierResponse:
        """Asks through the whole chain which model answers at this moment.

        Raises:
            VergerError: no model is live, or a service did not answer in time.
        """
        request = classifier_pb2.DescribeClassifierRequest()
        call = self._stub.DescribeClassifier(request, timeout=DESCRIBE_TIMEOUT_SECONDS)
        return await self._answer(call)

    async def recent_description(
        self, answered_by: model_pb2.ModelRef | None = None
    ) -> classifier_pb2.DescribeClassifierResponse:
        """The description, at most DESCRIPTION_SECONDS old; asked for anew when another version has answered since.

        Raises:
            VergerError: as describe.
        """
        known = self._description
        fresh = time.monotonic() - self._described_at < DESCRIPTION_SECONDS
        if known is not None and fresh and answered_by in (None, known.model.ref):
            return known
        if self._describing is None:  # whoever asks meanwhile shares the answer
            self._describing = asyncio.create_task(self.describe())
            self._describing.add_done_callback(self._keep)
        return await asyncio.shield(self._describing)

    def _keep(self, described: asyncio.Task[classifier_pb2.DescribeClassifierResponse]) -> None:
        self._describing = None
        if not described.cancelled() and described.exception() is None:
            self._description, self._described_at = described.result(), time.monotonic()

    async def _answer(self, call: Awaitable[Answer]) -> Answer:
        try:
            return await call
        except grpc.aio.AioRpcError as error:
            raise self._explain(error) from error

    def _explain(self, error: grpc.aio.AioRpcError) -> VergerError:
        remote = from_rpc_error(error)
        if remote.reason != remote.code:  # the services explained themselves
            return remote
        away = self._channel.get_state() is not grpc.ChannelConnectivity.READY
        if remote.code in ("UNAVAILABLE", "CANCELLED") or (remote.code == "DEADLINE_EXCEEDED" and away):
            return Unavailable("The classifier is away for the moment. Try again in a few seconds.")
        if remote.code == "DEADLINE_EXCEEDED":
            return DeadlineExceeded("The answer took too long. Try again, perhaps with a smaller photo.")
        return remote
