"""Makes probabilities honest and finds the thresholds of the verdicts, on validation pictures. Pure."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from sklearn.metrics import roc_auc_score
from verger.v1 import model_pb2

from engine.model.verdict import probabilities, scope_score

Floats = NDArray[np.float32]

REFUSED_SHARE = 0.03
"""Share of validation pictures that may be called out of scope."""
FEWEST_PICTURES = 30
"""With fewer validation pictures nothing is fitted."""
NEVER = -1e6
"""A threshold that no score falls below."""

UNCALIBRATED = model_pb2.Calibration(temperature=1, scope_score=model_pb2.SCOPE_SCORE_ENERGY, out_of_scope_below=NEVER)
"""Probabilities as the network gives them; nothing is called unsure or out of scope."""


def calibrate(
    logits: Floats, targets: NDArray[np.int64], negatives: Floats, before: model_pb2.Calibration = UNCALIBRATED
) -> model_pb2.Calibration:
    """Fits temperature and thresholds, and chooses the score that tells the classes from everything else.

    Args:
        logits: float32 of shape [n, classes], of pictures that took no part in training.
        targets: their class indices, shape [n].
        negatives: logits of pictures of no class, shape [m, classes] or [0, 0]; few of them choose nothing.
        before: what holds where pictures are too few: that of the version that another one is made from.
    """
    calibration = model_pb2.Calibration()
    calibration.CopyFrom(before)
    if len(logits) < FEWEST_PICTURES:
        return calibration
    calibration.temperature = fit_temperature(logits, targets)
    chances = probabilities(logits, calibration.temperature)
    calibration.unsure_below = unsure_threshold(chances.max(axis=1), chances.argmax(axis=1) == targets)
    if len(negatives) >= FEWEST_PICTURES:
        calibration.scope_score = max(
            (model_pb2.SCOPE_SCORE_ENERGY, model_pb2.SCOPE_SCORE_MAX_PROBABILITY),
            key=lambda kind: scope_auroc(logits, negatives, _with_score(calibration, kind)),
        )
    calibration.out_of_scope_below = float(np.quantile(scope_score(logits, calibration), REFUSED_SHARE))
    return calibration


def scope_auroc(known: Floats, negatives: Floats, calibration: model_pb2.Calibration) -> float:
    """How often a picture of a class scores higher than one of none (area under the ROC curve): 0.5 guesses, 1 is best.

    Args:
        known: logits of shape [n, classes]. negatives: logits of shape [m, classes]. Both at least one row.
    """
    scores = [scope_score(logits, calibration) for logits in (known, negatives)]
    return float(roc_auc_score(np.repeat([1, 0], [len(known), len(negatives)]), np.concatenate(scores)))


def _with_score(calibration: model_pb2.Calibration, kind: "model_pb2.ScopeScore") -> model_pb2.Calibration:
    other = model_pb2.Calibration()
    other.CopyFrom(calibration)
    other.scope_score = kind
    return other


def fit_temperature(logits: Floats, targets: NDArray[np.int64]) -> float:
    """The temperature of the smallest negative log-likelihood (Guo et al., 2017, arXiv:1706.04599), 0.05 to 20."""

    def loss(log_temperature: float) -> float:
        chances = probabilities(logits.astype(np.float64), np.exp(log_temperature))
        return float(-np.log(chances[np.arange(len(targets)), targets] + 1e-12).mean())

    found = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded")
    return float(np.exp(found.x))


def unsure_threshold(best: Floats, right: NDArray[np.bool_]) -> float:
    """The largest probability below which answers are wrong at least as often as they are right; 0 when there is none.

    Args:
        best: the best calibrated probability of each picture, shape [n].
        right: whether its class is the true one, shape [n].
    """
    order = np.argsort(best)
    share_right = np.cumsum(right[order]) / np.arange(1, len(best) + 1)
    doubtful = np.flatnonzero(share_right <= 0.5)
    if len(doubtful) == 0:
        return 0.0
    last = int(doubtful[-1])
    return float(best[order[last : last + 2]].mean())  # between the last doubtful picture and the next
