"""Implements InferenceService: checks tensors, classifies them with the live model, returns the answers."""

from collections.abc import AsyncIterator

from verger.v1 import classifier_pb2, inference_pb2, inference_pb2_grpc

from engine.errors import VergerError
from engine.model.loading import LoadedModel
from engine.model.tensors import to_model_input
from services.common.capacity.places import Places
from services.common.capacity.pool import WorkPool
from services.common.errors import ModelNotLoaded, PreprocessingMismatch
from services.common.rpc.clients import current_client
from services.common.rpc.inbox import Incoming
from services.common.rpc.interceptor import Context
from services.common.rpc.metrics import ITEM_ERRORS
from services.common.rpc.request_ids import checked_request_id
from services.common.rpc.statuses import to_status
from services.common.rpc.streams import answer_as_ready
from services.inference.champion import Champion
from services.inference.metrics import VERDICTS


class InferenceServicer(inference_pb2_grpc.InferenceServiceServicer):
    """See protos/verger/v1/inference.proto."""

    def __init__(self, champion: Champion, pool: WorkPool, places: Places, max_items_in_flight: int) -> None:
        """Creates the servicer.

        Args:
            champion: gives the live model.
            pool: threads for forward passes.
            places: places for tensors in flight.
            max_items_in_flight: number of tensors of one stream that may be in progress at the same time.
        """
        self._champion = champion
        self._pool = pool
        self._places = places
        self._max_items_in_flight = max_items_in_flight

    async def GetModel(
        self, request: inference_pb2.GetModelRequest, context: Context
    ) -> inference_pb2.GetModelResponse:
        return inference_pb2.GetModelResponse(model=self._champion.describe())

    async def Infer(
        self, requests: Incoming[inference_pb2.InferRequest], context: Context
    ) -> AsyncIterator[inference_pb2.InferResponse]:
        async for response in answer_as_ready(requests, self._answer, self._max_items_in_flight):
            yield response

    async def _answer(self, request: inference_pb2.InferRequest) -> inference_pb2.InferResponse:
        try:
            checked_request_id(request.request_id)
            with self._places.at_once(current_client()):
                return await self._infer(request, self._champion.live)
        except ModelNotLoaded:
            raise  # concerns the whole server: ends the stream, so that the client's channel tries another replica
        except VergerError as error:
            ITEM_ERRORS.labels(error.reason).inc()
            return inference_pb2.InferResponse(request_id=request.request_id, error=to_status(error))

    async def _infer(self, request: inference_pb2.InferRequest, model: LoadedModel) -> inference_pb2.InferResponse:
        if request.preprocessing_digest not in ("", model.preprocessing_digest):
            raise PreprocessingMismatch(
                "The tensor was preprocessed for another model version. Fetch the contract again with GetModel."
            )

        multicore = self._pool.is_idle

        def forward() -> classifier_pb2.Classification:
            model_input = to_model_input(request.tensor, model.contract.preprocessing)
            return model.classify(model_input, request.top_k, request.include_evidence, multicore)

        result = await self._pool.run(forward)
        classification = result.value
        verdict = classifier_pb2.Verdict.Name(classification.verdict)
        VERDICTS.labels(verdict, classification.predictions[0].label, model.ref.version).inc()
        return inference_pb2.InferResponse(
            request_id=request.request_id,
            classification=classification,
            queue_ms=result.queue_ms,
            compute_ms=result.work_ms,
        )
