"""Serves the whole chain by the Open Inference Protocol: encoded photos in, labels, probabilities and verdicts out."""

from verger.oip import open_inference_pb2
from verger.v1 import classifier_pb2

from engine.errors import VergerError
from services.common.oip.batches import batch_of
from services.common.oip.models import MAX_BATCH, ServedModel, asked_for
from services.common.oip.photos import of_batch, photo_answer, photo_model
from services.common.oip.servicer import OpenInferenceServicer, answer_in_order
from services.common.rpc.interceptor import Context
from services.common.rpc.request_ids import checked_request_id
from services.preprocess.classifying import Photo, PhotoClassifier


class PhotoServicer(OpenInferenceServicer):
    """The model that has the registered model's name. Its photos go the same way as those of Classify."""

    def __init__(self, classifier: PhotoClassifier, max_items_in_flight: int) -> None:
        """Creates the servicer; the arguments are those of ClassifierServicer."""
        self._classifier = classifier
        self._max_items_in_flight = max_items_in_flight

    async def served(self) -> ServedModel:
        return photo_model((await self._classifier.model()).ref)

    async def ModelInfer(
        self, request: open_inference_pb2.ModelInferRequest, context: Context
    ) -> open_inference_pb2.ModelInferResponse:
        model = await asked_for(request.model_name, request.model_version, self._known, self.served)
        batch = batch_of(request, model, MAX_BATCH)
        del request  # frees its copies of the photos
        await self._classifier.count([len(image) for image in batch.items])
        request_id, count = checked_request_id(batch.request_id), len(batch.items)
        answer_one = self._classifier.at_once if count == 1 else self._classifier.in_turn

        async def answer(place: int, image: bytes) -> classifier_pb2.Classification:
            try:
                return (await answer_one(Photo(request_id, image, top_k=1), context.time_remaining())).classification
            except VergerError as error:
                raise of_batch(error, place, count) from None

        answers = await answer_in_order(batch.items, answer, self._max_items_in_flight)
        return photo_answer(batch, model, answers)

    async def _known(self) -> ServedModel:
        return photo_model(await self._classifier.recent_ref())
