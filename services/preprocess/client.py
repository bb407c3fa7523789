"""The client of the inference service."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import grpc
import structlog
from verger.v1 import inference_pb2, inference_pb2_grpc, model_pb2

from engine.contract import check_contract, digest_of
from engine.errors import VergerError
from services.common.errors import InferenceUnavailable
from services.common.rpc.statuses import from_rpc_error, from_status
from services.preprocess.stream_pool import StreamPool

log = structlog.get_logger(__name__)

_NO_ANSWER = "The inference service does not answer. Wait a moment, then send it again."


POLL_SECONDS = 1.0
"""Pause between two questions at the start, until inference has a live version."""


@dataclass(frozen=True)
class TensorFormat:
    """How photos must be preprocessed for the live version, and the digest that requests name it by."""

    spec: model_pb2.Preprocessing
    digest: str
    ref: model_pb2.ModelRef
    """The version that was live when inference was asked. A newer one may have the same format."""


class InferenceClient:
    """Sends tensors to inference, and knows how the live version wants them preprocessed."""

    def __init__(self, tensors: grpc.aio.Channel, descriptions: grpc.aio.Channel, timeout_seconds: float) -> None:
        """Creates the client.

        Args:
            tensors: a channel to all replicas of inference, for tensors only, so that replicas get equal shares.
            descriptions: another channel to the same replicas, for questions about the live version.
            timeout_seconds: time limit of each call, if the caller's own deadline leaves more.
        """
        self._streams = StreamPool(inference_pb2_grpc.InferenceServiceStub(tensors))
        self._stub = inference_pb2_grpc.InferenceServiceStub(descriptions)
        self._timeout = timeout_seconds
        self._format: TensorFormat | None = None

    async def model(self) -> model_pb2.Model:
        """Returns the live version with its contract.

        Raises:
            VergerError: inference does not answer, has no live version, or has a contract that Verger does not support.
        """
        try:
            response = await self._stub.GetModel(
                inference_pb2.GetModelRequest(), timeout=self._timeout, wait_for_ready=True
            )
        except grpc.aio.AioRpcError as error:
            raise _explain(error) from error
        model: model_pb2.Model = response.model
        check_contract(model.contract)
        return model

    async def tensor_format(self) -> TensorFormat:
        """Returns the cached tensor format. The first call asks inference and raises the same errors as `model`."""
        return self._format or await self.refresh_tensor_format()

    async def refresh_tensor_format(self) -> TensorFormat:
        """Asks inference for the tensor format and caches it. Raises the same errors as `model`."""
        model = await self.model()
        spec = model.contract.preprocessing
        self._format = TensorFormat(spec, digest_of(spec), model.ref)
        return self._format

    async def infer(
        self, request: inference_pb2.InferRequest, remaining_seconds: float | None
    ) -> inference_pb2.InferResponse:
        """Sends one tensor and returns its answer.

        Args:
            request: the tensor with its options.
            remaining_seconds: time until the caller's deadline; None when the caller has none.

        Raises:
            VergerError: the error that inference answered, or InferenceUnavailable.
        """
        # The last tenth of the time is left for the error message to reach the caller.
        timeout = min(self._timeout, 0.9 * remaining_seconds) if remaining_seconds is not None else self._timeout
        try:
            async with asyncio.timeout(timeout):
                answer = await self._streams.exchange(request)
        except TimeoutError:
            raise InferenceUnavailable(_NO_ANSWER) from None
        except grpc.aio.AioRpcError as error:
            raise _explain(error) from error
        if answer is None:
            raise InferenceUnavailable("Inference ended the call without an answer. Send the request again.")
        if answer.HasField("error"):
            raise from_status(answer.error)
        return answer

    async def wait_for_tensor_format(self, report: Callable[[str], Awaitable[None]]) -> None:
        """Asks inference every second until its live version has a supported contract, then returns.

        Args:
            report: is awaited with the reason of each new error.
        """
        reason = None
        while True:
            try:
                await self.refresh_tensor_format()
                return
            except VergerError as error:
                if error.reason != reason:
                    reason = error.reason
                    log.warning("inference is not ready", reason=reason, message=str(error))
                    await report(reason)
                await asyncio.sleep(POLL_SECONDS)


def _explain(error: grpc.aio.AioRpcError) -> VergerError:
    if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
        described = from_rpc_error(error)
        if described.reason not in ("UNAVAILABLE", "DEADLINE_EXCEEDED"):
            return described
        return InferenceUnavailable(_NO_ANSWER)
    return from_rpc_error(error)
