"""Implements ClassifierService: decodes photos, sends tensors to inference, returns the classifications."""

import time
from collections.abc import AsyncIterator
from typing import NamedTuple

from verger.v1 import classifier_pb2, classifier_pb2_grpc, inference_pb2

from engine.errors import VergerError
from engine.photo.opening import FORMATS
from services.access.rpc import Count
from services.common.capacity.limit import AdaptiveLimit
from services.common.capacity.places import Places
from services.common.capacity.pool import Timed
from services.common.errors import DecodingStuck, PreprocessingMismatch
from services.common.rpc.clients import current_client
from services.common.rpc.inbox import Incoming
from services.common.rpc.interceptor import Context
from services.common.rpc.metrics import ITEM_ERRORS
from services.common.rpc.request_ids import checked_request_id
from services.common.rpc.statuses import to_status
from services.common.rpc.streams import answer_as_ready
from services.preprocess.client import InferenceClient
from services.preprocess.decoder import Decoder

MAX_ATTEMPTS = 3
"""How often one photo is preprocessed and sent, when a new champion with other preprocessing goes live meanwhile.

The first attempt may have used the old contract. The second may reach a replica that has not switched yet.
"""


class Photo(NamedTuple):
    """A ClassifyRequest without the message. Reading a message's bytes makes a copy of them, and one has to do."""

    request_id: str
    image: bytes
    top_k: int
    include_evidence: bool


class ClassifierServicer(classifier_pb2_grpc.ClassifierServiceServicer):
    """See protos/verger/v1/classifier.proto."""

    def __init__(
        self,
        inference: InferenceClient,
        limit: AdaptiveLimit,
        decoder: Decoder,
        max_items_in_flight: int,
        count: Count,
    ) -> None:
        """Creates the servicer.

        Args:
            inference: the client of the next service.
            limit: how many photos may be in flight.
            decoder: turns photos into tensors.
            max_items_in_flight: number of photos of one stream that may be in progress at the same time.
            count: counts each photo for who sends it, and refuses those that are too many.
        """
        self._inference = inference
        self._limit = limit
        self._places = Places(limit)
        self._decoder = decoder
        self._max_items_in_flight = max_items_in_flight
        self._count = count

    async def Classify(
        self, request: classifier_pb2.ClassifyRequest, context: Context
    ) -> classifier_pb2.ClassifyResponse:
        photo = _photo_of(request)
        del request  # frees its copy of the photo
        await self._count(len(photo.image))
        self._check_decoder()
        with self._places.at_once(current_client()):
            return await self._classify(photo, context.time_remaining())

    async def ClassifyStream(
        self, requests: Incoming[classifier_pb2.ClassifyRequest], context: Context
    ) -> AsyncIterator[classifier_pb2.ClassifyResponse]:
        async for response in answer_as_ready(requests, self._answer_item, self._max_items_in_flight):
            yield response

    async def DescribeClassifier(
        self, request: classifier_pb2.DescribeClassifierRequest, context: Context
    ) -> classifier_pb2.DescribeClassifierResponse:
        self._check_decoder()
        limits = classifier_pb2.ImageLimits(
            max_bytes=self._decoder.limits.max_bytes,
            max_pixels=self._decoder.limits.max_pixels,
            media_types=FORMATS.values(),
        )
        return classifier_pb2.DescribeClassifierResponse(model=await self._inference.model(), limits=limits)

    async def _answer_item(self, request: classifier_pb2.ClassifyRequest) -> classifier_pb2.ClassifyResponse:
        photo = _photo_of(request)
        del request  # frees its copy of the photo
        try:
            await self._count(len(photo.image))
            self._check_decoder()
            async with self._places.in_turn(current_client()):
                return await self._classify(photo, remaining_seconds=None)
        except VergerError as error:
            ITEM_ERRORS.labels(error.reason).inc()
            return classifier_pb2.ClassifyResponse(request_id=photo.request_id, error=to_status(error))

    def _check_decoder(self) -> None:
        if self._decoder.is_stuck:
            raise DecodingStuck("This server has decoded nothing for seconds. Wait a moment, then send it again.")

    async def _classify(self, photo: Photo, remaining_seconds: float | None) -> classifier_pb2.ClassifyResponse:
        started = time.perf_counter()
        request_id = checked_request_id(photo.request_id)
        attempt, tensor_format = 1, await self._inference.tensor_format()
        while True:
            decoded = await self._decoder.decode(photo.image, tensor_format.spec)
            item = inference_pb2.InferRequest(
                request_id=request_id,
                tensor=decoded.value,
                preprocessing_digest=tensor_format.digest,
                top_k=photo.top_k,
                include_evidence=photo.include_evidence,
            )
            try:
                answer = await self._inference.infer(item, remaining_seconds)
            except VergerError as error:
                if error.reason != PreprocessingMismatch.reason or attempt == MAX_ATTEMPTS:
                    raise
                attempt, tensor_format = attempt + 1, await self._inference.refresh_tensor_format()
            else:
                work_seconds = (decoded.work_ms + answer.compute_ms) / 1e3
                self._limit.count_answer(time.perf_counter() - started - work_seconds, work_seconds)
                return _response(request_id, decoded, answer)


def _photo_of(request: classifier_pb2.ClassifyRequest) -> Photo:
    return Photo(request.request_id, request.image, request.top_k, request.include_evidence)


def _response(
    request_id: str, decoded: Timed[inference_pb2.Tensor], answer: inference_pb2.InferResponse
) -> classifier_pb2.ClassifyResponse:
    return classifier_pb2.ClassifyResponse(
        request_id=request_id,
        classification=answer.classification,
        timings=classifier_pb2.Timings(
            decode_queue_ms=decoded.queue_ms,
            decode_ms=decoded.work_ms,
            compute_queue_ms=answer.queue_ms,
            compute_ms=answer.compute_ms,
        ),
    )
