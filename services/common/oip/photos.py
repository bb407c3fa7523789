"""The model that takes encoded photos: the whole chain, over gRPC in preprocess and over HTTP in web."""

from collections.abc import Sequence

from verger.oip import open_inference_pb2
from verger.v1 import classifier_pb2, model_pb2

from engine.errors import VergerError
from services.common.errors import RemoteError
from services.common.oip.batches import Batch, answer_of
from services.common.oip.models import BYTES, FP32, ServedModel, TensorSpec
from services.common.verdicts import verdict_name

PLATFORM = "ensemble"
"""The protocol's word for a model that is made of several steps."""

_INPUT = TensorSpec("image", BYTES, (-1,))
_OUTPUTS = (
    TensorSpec("label", BYTES, (-1,)),
    TensorSpec("probability", FP32, (-1,)),
    TensorSpec("verdict", BYTES, (-1,)),
)


def photo_model(ref: model_pb2.ModelRef) -> ServedModel:
    """Returns the description of the chain while this version is live."""
    return ServedModel(ref.name, ref.version, PLATFORM, _INPUT, _OUTPUTS)


def photo_answer(
    batch: Batch, model: ServedModel, answers: Sequence[classifier_pb2.Classification]
) -> open_inference_pb2.ModelInferResponse:
    """Puts the answer to a batch of photos together.

    `label` is the class that the photo shows, and empty unless the verdict is RECOGNISED; `probability` is that of the
    best class, whatever the verdict.

    Raises:
        VersionNotLive: another version than the one that was asked for has answered.
    """
    refs = [answer.model for answer in answers]
    model.check_answered(batch.version, refs)
    values: dict[str, Sequence[bytes | float]] = {
        "label": [
            answer.predictions[0].label.encode() if answer.verdict == classifier_pb2.VERDICT_RECOGNISED else b""
            for answer in answers
        ],
        "probability": [answer.predictions[0].probability for answer in answers],
        "verdict": [verdict_name(answer.verdict).encode() for answer in answers],
    }
    return answer_of(batch, model, newest(refs).version, values)


def newest(refs: Sequence[model_pb2.ModelRef]) -> model_pb2.ModelRef:
    """Returns the newest of the versions that answered the photos of a request: one may go live in between."""
    return max(refs, key=lambda ref: int(ref.version))


def of_batch(error: VergerError, place: int, count: int) -> VergerError:
    """Returns the error of one photo as that of the batch that it was in; `place` counts from 0."""
    if count == 1:
        return error
    text = f"Photo {place + 1} of {count}: {error}"
    return RemoteError(error.code, error.reason, text, error.retry_after_seconds, error.metadata)
