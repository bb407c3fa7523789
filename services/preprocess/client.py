"""The next service on the photo's way: inference."""

import asyncio
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

AWAY = "The inference service does not answer. Wait a moment, then send it again."


@dataclass(frozen=True)
class TensorFormat:
    """What tensors must be like for the live version, and how to name that in a request."""

    spec: model_pb2.Preprocessing
    digest: str


class InferenceClient:
    """Sends tensors and knows what the live version wants them to be."""

    def __init__(self, channel: grpc.aio.Channel, timeout_seconds: float) -> None:
        """timeout_seconds limits each call whose own caller left more time."""
        self._stub = inference_pb2_grpc.InferenceServiceStub(channel)
        self._streams = StreamPool(self._stub)
        self._timeout = timeout_seconds
        self._format: TensorFormat | None = None

    async def model(self) -> model_pb2.Model:
        """Asks for the live version.

        Raises:
            VergerError: inference is away, has no version, or a contract that this code can't honour.
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
        """What tensors must be like, as last heard; the first time, as heard now. Raises as `model`."""
        return self._format or await self.refresh_tensor_format()

    async def refresh_tensor_format(self) -> TensorFormat:
        """What tensors must be like, as heard now. Raises as `model`."""
        spec = (await self.model()).contract.preprocessing
        self._format = TensorFormat(spec, digest_of(spec))
        return self._format

    async def infer(
        self, request: inference_pb2.InferRequest, remaining_seconds: float | None
    ) -> inference_pb2.InferResponse:
        """Sends one tensor and returns its answer.

        Raises:
            VergerError: as inference described it, or InferenceUnavailable.
        """
        # Leaves our own caller a moment in which an explanation can still reach it.
        seconds = min(self._timeout, 0.9 * remaining_seconds) if remaining_seconds is not None else self._timeout
        try:
            async with asyncio.timeout(seconds):
                answer = await self._streams.exchange(request)
        except TimeoutError:
            raise InferenceUnavailable(AWAY) from None
        except grpc.aio.AioRpcError as error:
            raise _explain(error) from error
        if answer is None:
            raise InferenceUnavailable("Inference ended the call without an answer. Send the request again.")
        if answer.HasField("error"):
            raise from_status(answer.error)
        return answer

    async def wait_until_known(self) -> None:
        """Returns once a contract was heard that this code can honour."""
        while True:
            try:
                await self.refresh_tensor_format()
                return
            except VergerError as error:
                log.warning("inference is not ready", reason=error.reason, message=str(error))
                await asyncio.sleep(1)


def _explain(error: grpc.aio.AioRpcError) -> VergerError:
    if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
        described = from_rpc_error(error)
        if described.reason not in ("UNAVAILABLE", "DEADLINE_EXCEEDED"):
            return described
        return InferenceUnavailable(AWAY)
    return from_rpc_error(error)
