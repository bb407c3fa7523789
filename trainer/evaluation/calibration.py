"""Calibrates probabilities and finds the thresholds of the verdicts on validation pictures. Pure."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from sklearn.metrics import roc_auc_score
from verger.v1 import model_pb2

from engine.model.verdict import probabilities, scope_score

Floats = NDArray[np.float32]

REFUSED_SHARE = 0.04
"""Share of validation pictures that the out-of-scope threshold refuses."""
MIN_PICTURES = 30
"""Number of validation pictures below which nothing is fitted, and of negatives below which no score is chosen."""
NEVER = -1e6
"""Threshold below all scores."""

SCOPE_SCORES = (
    model_pb2.SCOPE_SCORE_ENERGY,
    model_pb2.SCOPE_SCORE_MAX_PROBABILITY,
    model_pb2.SCOPE_SCORE_MAX_PROBABILITY_WITH_NONE,
)

UNCALIBRATED = model_pb2.Calibration(temperature=1, scope_score=model_pb2.SCOPE_SCORE_ENERGY, out_of_scope_below=NEVER)
"""Keeps the network's probabilities; no verdict is UNSURE or OUT_OF_SCOPE."""

UNCALIBRATED_WITH_NONE = model_pb2.Calibration(
    temperature=1, scope_score=model_pb2.SCOPE_SCORE_MAX_PROBABILITY_WITH_NONE, out_of_scope_below=NEVER
)
"""The same for a network with auxiliary classes."""


def calibrate(
    logits: Floats, targets: NDArray[np.int64], negatives: Floats, fallback: model_pb2.Calibration = UNCALIBRATED
) -> model_pb2.Calibration:
    """Fits temperature and thresholds, and chooses the scope score that separates the classes best from negatives.

    Args:
        logits: float32 of shape [n, classes], of pictures that were not trained on.
        targets: their class indices, shape [n].
        negatives: logits of negatives, shape [m, classes] or [0, 0].
        fallback: supplies what fewer than MIN_PICTURES pictures or negatives cannot determine.
    """
    calibration = model_pb2.Calibration()
    calibration.CopyFrom(fallback)
    if len(logits) < MIN_PICTURES:
        return calibration
    calibration.temperature = fit_temperature(logits, targets)
    calibrated = probabilities(logits, calibration.temperature)
    calibration.unsure_below = unsure_threshold(calibrated.max(axis=1), calibrated.argmax(axis=1) == targets)
    if len(negatives) >= MIN_PICTURES:
        calibration.scope_score = max(
            SCOPE_SCORES,
            key=lambda kind: scope_auroc(logits, negatives, _with_score(calibration, kind)),
        )
    calibration.out_of_scope_below = float(np.quantile(scope_score(logits, calibration), REFUSED_SHARE))
    return calibration


def scope_auroc(known: Floats, negatives: Floats, calibration: model_pb2.Calibration) -> float:
    """Returns the area under the ROC curve of the scope score, 0 to 1; 0.5 is chance.

    It is the probability that a picture of a class has a higher score than a negative.

    Args:
        known: logits of shape [n, classes], n at least 1.
        negatives: logits of shape [m, classes], m at least 1.
    """
    scores = [scope_score(logits, calibration) for logits in (known, negatives)]
    return float(roc_auc_score(np.repeat([1, 0], [len(known), len(negatives)]), np.concatenate(scores)))


def _with_score(calibration: model_pb2.Calibration, kind: "model_pb2.ScopeScore") -> model_pb2.Calibration:
    other = model_pb2.Calibration()
    other.CopyFrom(calibration)
    other.scope_score = kind
    return other


def fit_temperature(logits: Floats, targets: NDArray[np.int64]) -> float:
    """Returns the temperature with the lowest log loss, 0.05 to 20 (Guo et al., 2017, arXiv:1706.04599)."""

    def loss(log_temperature: float) -> float:
        scaled = probabilities(logits.astype(np.float64), np.exp(log_temperature))
        return float(-np.log(scaled[np.arange(len(targets)), targets] + 1e-12).mean())

    found = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded")
    return float(np.exp(found.x))


def unsure_threshold(best: Floats, right: NDArray[np.bool_]) -> float:
    """Returns the highest probability below which at least half of the answers are wrong; 0 if there is none.

    Args:
        best: highest calibrated probability of each picture, shape [n].
        right: whether that class is the true one, shape [n].
    """
    order = np.argsort(best)
    share_right = np.cumsum(right[order]) / np.arange(1, len(best) + 1)
    doubtful = np.flatnonzero(share_right <= 0.5)
    if len(doubtful) == 0:
        return 0.0
    last = int(doubtful[-1])
    return float(best[order[last : last + 2]].mean())  # between the last doubtful picture and the next
