"""From logits to an honest answer. Pure; the trainer calibrates with this very code."""

import numpy as np
from numpy.typing import NDArray
from verger.v1 import classifier_pb2, model_pb2

Floats = NDArray[np.float32]


def probabilities(logits: Floats, temperature: float) -> Floats:
    """Softmax of logits / temperature (Guo et al., 2017, arXiv:1706.04599) over the last axis; same shape."""
    scaled = logits / np.float32(temperature)
    exponentials = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    result: Floats = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return result


def scope_score(logits: Floats, calibration: model_pb2.Calibration) -> Floats:
    """The score that tells known classes from everything else, see ScopeScore; one number per row of logits.

    Args:
        logits: float32 of shape [..., classes].
    """
    if calibration.scope_score == model_pb2.SCOPE_SCORE_MAX_PROBABILITY:
        score: Floats = probabilities(logits, calibration.temperature).max(axis=-1)
    else:
        peak = logits.max(axis=-1)
        score = peak + np.log(np.exp(logits - peak[..., None]).sum(axis=-1))
    return score


def decide(probability: float, score: float, calibration: model_pb2.Calibration) -> classifier_pb2.Verdict:
    """The verdict on one photo, from its best probability and its scope score."""
    if score < calibration.out_of_scope_below:
        return classifier_pb2.VERDICT_OUT_OF_SCOPE
    if probability < calibration.unsure_below:
        return classifier_pb2.VERDICT_UNSURE
    return classifier_pb2.VERDICT_RECOGNISED


def classify(logits: Floats, contract: model_pb2.ModelContract, top_k: int = 0) -> classifier_pb2.Classification:
    """The answer for one photo, from its logits of shape [classes]; top_k as in ClassifyRequest."""
    chances = probabilities(logits, contract.calibration.temperature)
    score = float(scope_score(logits, contract.calibration))
    order = np.argsort(-chances, kind="stable")
    shown = order[:top_k] if top_k else order
    return classifier_pb2.Classification(
        verdict=decide(float(chances[order[0]]), score, contract.calibration),
        predictions=[
            classifier_pb2.Prediction(label=contract.classes[i].label, probability=chances[i]) for i in shown.tolist()
        ],
        scope_score=score,
    )
