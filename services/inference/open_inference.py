"""Serves the live version by the Open Inference Protocol: pixels in, logits out."""

from collections.abc import Sequence

from verger.oip import open_inference_pb2
from verger.v1 import inference_pb2, model_pb2

from engine.model.loading import LoadedModel
from engine.model.tensors import to_model_input
from services.common.capacity.places import Places
from services.common.capacity.pool import WorkPool
from services.common.oip.batches import answer_of, batch_of
from services.common.oip.models import FP32, MAX_BATCH, UINT8, ServedModel, TensorSpec
from services.common.oip.servicer import OpenInferenceServicer, answer_in_order
from services.common.rpc.clients import current_client
from services.common.rpc.interceptor import Context
from services.common.rpc.request_ids import checked_request_id
from services.inference.champion import Champion

SUFFIX = "-tensor"
"""Behind the registered model's name, which is that of the model that takes photos."""

PLATFORM = "onnx_onnxv1"
"""The protocol's word for a graph in ONNX's format."""


class TensorServicer(OpenInferenceServicer):
    """The model NAME-tensor. Its pixels are those of Infer with the dtype UINT8, and computed in the same way."""

    def __init__(self, champion: Champion, pool: WorkPool, places: Places, max_items_in_flight: int) -> None:
        """Creates the servicer; the arguments are those of InferenceServicer."""
        self._champion = champion
        self._pool = pool
        self._places = places
        self._max_items_in_flight = max_items_in_flight

    async def served(self) -> ServedModel:
        return _described(self._champion.live)

    async def ModelInfer(
        self, request: open_inference_pb2.ModelInferRequest, _context: Context
    ) -> open_inference_pb2.ModelInferResponse:
        model = self._champion.live
        described = _described(model)
        batch = batch_of(request, described, MAX_BATCH)
        del request  # frees its copy of the tensors
        checked_request_id(batch.request_id)
        is_single = len(batch.items) == 1

        async def answer(_place: int, pixels: bytes) -> Sequence[float]:
            if is_single:
                with self._places.at_once(current_client()):
                    return await self._logits(pixels, model)
            async with self._places.in_turn(current_client()):
                return await self._logits(pixels, model)

        rows = await answer_in_order(batch.items, answer, self._max_items_in_flight)
        return answer_of(batch, described, model.ref.version, {"logits": [logit for row in rows for logit in row]})

    async def _logits(self, pixels: bytes, model: LoadedModel) -> Sequence[float]:
        spec = model.contract.preprocessing
        tensor = inference_pb2.Tensor(dtype=model_pb2.DATA_TYPE_UINT8, shape=(spec.height, spec.width, 3), data=pixels)
        multicore = self._pool.is_idle

        def forward() -> Sequence[float]:
            logits: list[float] = model.logits(to_model_input(tensor, spec), multicore).tolist()
            return logits

        return (await self._pool.run(forward)).value


def _described(model: LoadedModel) -> ServedModel:
    spec, classes = model.contract.preprocessing, len(model.contract.classes)
    return ServedModel(
        name=model.ref.name + SUFFIX,
        version=model.ref.version,
        platform=PLATFORM,
        input=TensorSpec("pixels", UINT8, (-1, spec.height, spec.width, 3)),
        outputs=(TensorSpec("logits", FP32, (-1, classes)),),
    )
