"""Implements ClassifierService: photos come in Verger's own messages."""

from collections.abc import AsyncIterator

from verger.v1 import classifier_pb2, classifier_pb2_grpc

from engine.errors import VergerError
from engine.photo.opening import FORMATS
from services.common.rpc.inbox import Incoming
from services.common.rpc.interceptor import Context
from services.common.rpc.metrics import ITEM_ERRORS
from services.common.rpc.statuses import to_status
from services.common.rpc.streams import answer_as_ready
from services.preprocess.classifying import Photo, PhotoClassifier


class ClassifierServicer(classifier_pb2_grpc.ClassifierServiceServicer):
    """See protos/verger/v1/classifier.proto."""

    def __init__(self, classifier: PhotoClassifier, max_items_in_flight: int) -> None:
        """Creates the servicer.

        Args:
            classifier: answers photos.
            max_items_in_flight: number of photos of one stream that may be in progress at the same time.
        """
        self._classifier = classifier
        self._max_items_in_flight = max_items_in_flight

    async def Classify(
        self, request: classifier_pb2.ClassifyRequest, context: Context
    ) -> classifier_pb2.ClassifyResponse:
        photo = _photo_of(request)
        del request  # frees its copy of the photo
        await self._classifier.count([len(photo.image)])
        return await self._classifier.at_once(photo, context.time_remaining())

    async def ClassifyStream(
        self, requests: Incoming[classifier_pb2.ClassifyRequest], context: Context
    ) -> AsyncIterator[classifier_pb2.ClassifyResponse]:
        async for response in answer_as_ready(requests, self._answer_item, self._max_items_in_flight):
            yield response

    async def DescribeClassifier(
        self, request: classifier_pb2.DescribeClassifierRequest, context: Context
    ) -> classifier_pb2.DescribeClassifierResponse:
        limits = classifier_pb2.ImageLimits(
            max_bytes=self._classifier.limits.max_bytes,
            max_pixels=self._classifier.limits.max_pixels,
            media_types=FORMATS.values(),
        )
        return classifier_pb2.DescribeClassifierResponse(model=await self._classifier.model(), limits=limits)

    async def _answer_item(self, request: classifier_pb2.ClassifyRequest) -> classifier_pb2.ClassifyResponse:
        photo = _photo_of(request)
        del request  # frees its copy of the photo
        try:
            await self._classifier.count([len(photo.image)])
            return await self._classifier.in_turn(photo, remaining_seconds=None)
        except VergerError as error:
            ITEM_ERRORS.labels(error.reason).inc()
            return classifier_pb2.ClassifyResponse(request_id=photo.request_id, error=to_status(error))


def _photo_of(request: classifier_pb2.ClassifyRequest) -> Photo:
    return Photo(request.request_id, request.image, request.top_k, request.include_evidence)
