"""Turns logits into probabilities, a scope score and a verdict. The trainer calibrates with the same code."""

import numpy as np
from numpy.typing import NDArray
from verger.v1 import classifier_pb2, model_pb2

from engine.errors import LogitsNotFinite

Floats = NDArray[np.float32]


def probabilities(logits: Floats, temperature: float) -> Floats:
    """Returns softmax(logits / temperature) over the last axis (Guo et al., 2017, arXiv:1706.04599).

    Args:
        logits: float32 of shape [..., classes].
        temperature: greater than 0; 1 changes nothing.

    Returns:
        float32 of the same shape, each value between 0 and 1.
    """
    scaled = logits / np.float32(temperature)
    exponentials = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    result: Floats = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return result


def scope_score(logits: Floats, calibration: model_pb2.Calibration) -> Floats:
    """Returns the score that tells known classes from everything else; higher means more like a known class.

    The energy score is log(sum(exp(logits))), without temperature (Liu et al., 2020, arXiv:2010.03759). "With none" is
    the best probability beside a further class whose logit is 0.

    Args:
        logits: float32 of shape [..., classes].
        calibration: names the score, see verger.v1.ScopeScore.

    Returns:
        float32 of shape [...], one score for each row of logits.
    """
    score: Floats
    if calibration.scope_score == model_pb2.SCOPE_SCORE_MAX_PROBABILITY:
        score = probabilities(logits, calibration.temperature).max(axis=-1)
    elif calibration.scope_score == model_pb2.SCOPE_SCORE_MAX_PROBABILITY_WITH_NONE:
        none = np.zeros((*logits.shape[:-1], 1), np.float32)
        score = probabilities(np.concatenate([logits, none], axis=-1), 1)[..., :-1].max(axis=-1)
    else:
        peak = logits.max(axis=-1)
        score = peak + np.log(np.exp(logits - peak[..., None]).sum(axis=-1))
    return score


def decide(probability: float, score: float, calibration: model_pb2.Calibration) -> classifier_pb2.Verdict:
    """Returns the verdict on one photo from its best probability (0 to 1) and its scope score."""
    if score < calibration.out_of_scope_below:
        return classifier_pb2.VERDICT_OUT_OF_SCOPE
    if probability < calibration.unsure_below:
        return classifier_pb2.VERDICT_UNSURE
    return classifier_pb2.VERDICT_RECOGNISED


def finite(logits: Floats) -> Floats:
    """Returns logits, float32 of any shape, as they are.

    Raises:
        LogitsNotFinite: one is infinite or not a number.
    """
    if not np.isfinite(logits).all():
        raise LogitsNotFinite("The model computed logits that are not finite numbers. Its log names the version.")
    return logits


def classify(logits: Floats, contract: model_pb2.ModelContract, top_k: int = 0) -> classifier_pb2.Classification:
    """Returns the answer for one photo, without model and evidence.

    Args:
        logits: float32 of shape [classes].
        contract: gives the classes and the calibration.
        top_k: number of predictions, best first; 0 returns all classes.

    Raises:
        LogitsNotFinite: a logit is infinite or not a number.
    """
    confidences = probabilities(finite(logits), contract.calibration.temperature)
    score = float(scope_score(logits, contract.calibration))
    order = np.argsort(-confidences, kind="stable")
    chosen = order[:top_k] if top_k else order
    return classifier_pb2.Classification(
        verdict=decide(float(confidences[order[0]]), score, contract.calibration),
        predictions=[
            classifier_pb2.Prediction(label=contract.classes[i].label, probability=confidences[i])
            for i in chosen.tolist()
        ],
        scope_score=score,
    )
