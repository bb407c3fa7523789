"""Calibrates probabilities and finds the thresholds of the verdicts on pictures that the network has not learned. Pure.

Few pictures leave room for luck. A cautious calibration takes the end of each figure's confidence interval where the
version claims less: higher temperature, and a higher score to count as one of the classes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import binom, chi2
from sklearn.metrics import roc_auc_score
from verger.v1 import model_pb2

from engine.model.verdict import probabilities, scope_score

Floats = NDArray[np.float32]

REFUSED_SHARE = 0.04
"""Share of pictures of the classes that the out-of-scope threshold refuses."""
MIN_UNSURE_BELOW = 0.5
"""Smallest threshold of the verdict UNSURE: below it, an answer is more probably wrong than right."""
MIN_NEGATIVES = 30
"""Number of negatives below which no score is chosen."""
CONFIDENCE = 0.95
"""Confidence of the one-sided intervals of a cautious calibration."""
MIN_TEMPERATURE, MAX_TEMPERATURE = 0.05, 20.0
NEVER = -1e6
"""Threshold below all scores."""

SCOPE_SCORES = (
    model_pb2.SCOPE_SCORE_ENERGY,
    model_pb2.SCOPE_SCORE_MAX_PROBABILITY,
    model_pb2.SCOPE_SCORE_MAX_PROBABILITY_WITH_NONE,
)

UNCALIBRATED = model_pb2.Calibration(
    temperature=1,
    unsure_below=MIN_UNSURE_BELOW,
    scope_score=model_pb2.SCOPE_SCORE_ENERGY,
    out_of_scope_below=NEVER,
)
"""For no pictures at all: keeps the network's probabilities; no verdict is OUT_OF_SCOPE."""

UNCALIBRATED_WITH_NONE = model_pb2.Calibration(
    temperature=1,
    unsure_below=MIN_UNSURE_BELOW,
    scope_score=model_pb2.SCOPE_SCORE_MAX_PROBABILITY_WITH_NONE,
    out_of_scope_below=0.5,
)
"""The same for a network with auxiliary classes. OUT_OF_SCOPE is what is more probably none of the classes than one."""


@dataclass(frozen=True)
class Unseen:
    """What a network says about pictures that it has not learned."""

    logits: Floats
    """Of pictures of the classes, shape [n, classes]; [0, 0] for none."""
    targets: NDArray[np.int64]
    """Their class indices, shape [n]."""
    negatives: Floats
    """Logits of negatives, shape [m, classes]; [0, 0] for none."""

    def followed_by(self, other: "Unseen") -> "Unseen":
        """Returns both together."""
        return Unseen(
            _joined(self.logits, other.logits),
            np.concatenate([self.targets, other.targets]),
            _joined(self.negatives, other.negatives),
        )


def _joined(some: Floats, more: Floats) -> Floats:
    parts = [part for part in (some, more) if len(part)]
    return np.concatenate(parts) if parts else some


NOTHING_SEEN = Unseen(np.zeros((0, 0), np.float32), np.zeros(0, np.int64), np.zeros((0, 0), np.float32))


def calibrate(
    unseen: Unseen, uncalibrated: model_pb2.Calibration = UNCALIBRATED, is_cautious: bool = False
) -> model_pb2.Calibration:
    """Fits temperature and thresholds, and chooses the scope score that separates the classes best from negatives.

    Args:
        uncalibrated: calibration for no pictures. Fewer than MIN_NEGATIVES negatives leave its score.
        is_cautious: claim only what CONFIDENCE allows with this number of pictures.
    """
    calibration, logits = model_pb2.Calibration(), unseen.logits
    calibration.CopyFrom(uncalibrated)
    if not len(logits):
        return calibration
    calibration.temperature = fit_temperature(logits, unseen.targets, is_cautious)
    calibrated = probabilities(logits, calibration.temperature)
    right = calibrated.argmax(axis=1) == unseen.targets
    calibration.unsure_below = max(MIN_UNSURE_BELOW, unsure_threshold(calibrated.max(axis=1), right))
    if len(unseen.negatives) >= MIN_NEGATIVES:
        calibration.scope_score = max(
            SCOPE_SCORES,
            key=lambda kind: scope_auroc(logits, unseen.negatives, _with_score(calibration, kind)),
        )
    calibration.out_of_scope_below = scope_threshold(scope_score(logits, calibration), is_cautious)
    return calibration


def scope_threshold(scores: Floats, is_cautious: bool = False) -> float:
    """Returns the score below which a picture is out of scope. It refuses REFUSED_SHARE of these pictures of classes.

    With caution it refuses as many as there may be by chance where REFUSED_SHARE of all pictures have lower scores: 3
    of 30, 7 of 100.

    Args:
        scores: of pictures of the classes, shape [n], n at least 1.
    """
    if not is_cautious:
        return float(np.quantile(scores, REFUSED_SHARE))
    return float(np.sort(scores)[int(binom.ppf(CONFIDENCE, len(scores), REFUSED_SHARE))])


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


def fit_temperature(logits: Floats, targets: NDArray[np.int64], is_cautious: bool = False) -> float:
    """Returns the temperature with the lowest log loss, 0.05 to 20 (Guo et al., 2017, arXiv:1706.04599).

    With caution it is the upper end of that temperature's interval by the likelihood ratio (Wilks, 1938). Ten right
    answers of ten then give probabilities of about 0.87, where the best temperature would give 1.

    Args:
        logits: float32 of shape [n, classes], n at least 1.
        targets: true class indices, shape [n].
    """

    def loss(log_temperature: float) -> float:
        scaled = probabilities(logits.astype(np.float64), np.exp(log_temperature))
        return float(-np.log(scaled[np.arange(len(targets)), targets] + 1e-12).sum())

    low, high = np.log(MIN_TEMPERATURE), np.log(MAX_TEMPERATURE)
    best = minimize_scalar(loss, bounds=(low, high), method="bounded").x
    if not is_cautious:
        return float(np.exp(best))
    most = loss(best) + chi2.ppf(2 * CONFIDENCE - 1, df=1) / 2
    return float(np.exp(brentq(lambda value: loss(value) - most, best, high) if loss(high) > most else high))


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
