"""Classifies photos, whichever protocol has brought them: decodes each, and sends its tensor to inference."""

import time
from typing import NamedTuple

from verger.v1 import classifier_pb2, inference_pb2, model_pb2

from engine.errors import VergerError
from engine.photo.opening import Limits
from services.access.rpc import Count
from services.common.capacity.limit import AdaptiveLimit
from services.common.capacity.places import Places
from services.common.capacity.pool import Timed
from services.common.errors import DecodingStuck, PreprocessingMismatch
from services.common.rpc.clients import current_client
from services.common.rpc.request_ids import checked_request_id
from services.preprocess.client import InferenceClient
from services.preprocess.decoder import Decoder

MAX_ATTEMPTS = 3
"""How often one photo is preprocessed and sent, when a new champion with other preprocessing goes live meanwhile.

The first attempt may have used the old contract. The second may reach a replica that has not switched yet.
"""


class Photo(NamedTuple):
    """A photo with what is asked of it. It is no message, because reading a message's bytes copies them."""

    request_id: str
    image: bytes
    top_k: int = 0
    include_evidence: bool = False


class PhotoClassifier:
    """Decodes photos, sends tensors to inference, and returns the classifications."""

    def __init__(self, inference: InferenceClient, limit: AdaptiveLimit, decoder: Decoder, count: Count) -> None:
        """Creates the classifier.

        Args:
            inference: the client of the next service.
            limit: how many photos may be in flight.
            decoder: turns photos into tensors.
            count: counts photos for who sends them, and refuses those that are too many.
        """
        self._inference = inference
        self._limit = limit
        self._places = Places(limit)
        self._decoder = decoder
        self.count = count

    @property
    def limits(self) -> Limits:
        """The largest photos that are accepted."""
        return self._decoder.limits

    async def model(self) -> model_pb2.Model:
        """Asks inference for the live version.

        Raises:
            VergerError: photos can't be classified at the moment.
        """
        self._check_decoder()
        return await self._inference.model()

    async def recent_ref(self) -> model_pb2.ModelRef:
        """Returns the version that was live when inference was last asked. Raises the same errors as `model`."""
        return (await self._inference.tensor_format()).ref

    async def at_once(self, photo: Photo, remaining_seconds: float | None) -> classifier_pb2.ClassifyResponse:
        """Classifies a photo if there is a place for it, and refuses it otherwise.

        Args:
            photo: the photo, which has been counted.
            remaining_seconds: time until the caller's deadline; None when the caller has none.

        Raises:
            VergerError: it can't be classified.
        """
        self._check_decoder()
        with self._places.at_once(current_client()):
            return await self._classify(photo, remaining_seconds)

    async def in_turn(self, photo: Photo, remaining_seconds: float | None) -> classifier_pb2.ClassifyResponse:
        """Waits for a place and classifies one of several photos of a call. Takes and raises what `at_once` does."""
        self._check_decoder()
        async with self._places.in_turn(current_client()):
            return await self._classify(photo, remaining_seconds)

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
