"""How good answers are. Pure: logits and true classes in, figures out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support
from verger.v1 import classifier_pb2, model_pb2

from engine.model.verdict import decide, probabilities, scope_score
from trainer.evaluation.calibration import scope_auroc
from trainer.evaluation.figures import ClassFigures, Evaluation, Mistake, NegativeFigures, ReliabilityBin

Floats = NDArray[np.float32]

CALIBRATION_BINS = 15


@dataclass(frozen=True)
class Recalled:
    """Answers to negatives that are remembered, not seen; see trainer.training.remembered."""

    logits: Floats
    """Shape [n, classes]."""
    groups: Sequence[str]
    """The name of each one's group."""


NOTHING_RECALLED = Recalled(np.zeros((0, 0), np.float32), ())


def score(
    logits: Floats, targets: NDArray[np.int64], files: Sequence[str], contract: model_pb2.ModelContract
) -> Evaluation:
    """Scores answers as serving would give them.

    Args:
        logits: float32 of shape [n, classes], n at least 1.
        targets: true class indices in the contract's order, shape [n].
        files: a name for each picture.
        contract: of the version that made the logits.
    """
    labels = [info.label for info in contract.classes]
    chances = probabilities(logits, contract.calibration.temperature)
    predicted, best = chances.argmax(axis=1), chances.max(axis=1)
    scores = scope_score(logits, contract.calibration)
    verdicts = [decide(float(p), float(s), contract.calibration) for p, s in zip(best, scores, strict=True)]
    present = np.unique(targets)
    figures = precision_recall_fscore_support(targets, predicted, labels=range(len(labels)), zero_division=0)
    bins = reliability_bins(best, predicted == targets)
    wrong = np.flatnonzero(predicted != targets)
    return Evaluation(
        images=len(targets),
        accuracy=float((predicted == targets).mean()),
        macro_f1=float(figures[2][present].mean()),
        expected_calibration_error=calibration_error(bins),
        unsure_share=verdicts.count(classifier_pb2.VERDICT_UNSURE) / len(verdicts),
        refused_share=verdicts.count(classifier_pb2.VERDICT_OUT_OF_SCOPE) / len(verdicts),
        classes=[
            ClassFigures(label, float(p), float(r), float(f), int(n))
            for label, p, r, f, n in zip(labels, *figures, strict=True)
        ],
        confusion=confusion_matrix(targets, predicted, labels=range(len(labels))).tolist(),
        reliability=bins,
        mistakes=[
            Mistake(files[i], labels[targets[i]], labels[predicted[i]], float(best[i]))
            for i in wrong[np.argsort(-best[wrong])]
        ],
    )


def score_negatives(
    known: Floats, negatives: Floats, groups: Sequence[str], calibration: model_pb2.Calibration
) -> list[NegativeFigures]:
    """Scores how well pictures of no class are refused, for each group by name.

    Args:
        known: logits of the test pictures, shape [n, classes].
        negatives: logits of the others, shape [m, classes] or [0, 0].
        groups: the name of each one's group, m of them.
    """
    found = []
    for group in sorted(set(groups)):
        logits = negatives[np.array(groups) == group]
        refused = scope_score(logits, calibration) < calibration.out_of_scope_below
        auroc = scope_auroc(known, logits, calibration)
        found.append(NegativeFigures(group, len(logits), auroc, float(refused.mean())))
    return found


def reliability_bins(best: Floats, right: NDArray[np.bool_]) -> list[ReliabilityBin]:
    """Sorts pictures into 15 bins of equal width; empty ones are left out.

    Args:
        best: the best calibrated probability of each picture, shape [n].
        right: whether its class is the true one, shape [n].
    """
    numbers = np.minimum((best * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    members = [numbers == number for number in np.unique(numbers)]
    return [ReliabilityBin(float(best[m].mean()), float(right[m].mean()), int(m.sum())) for m in members]


def calibration_error(bins: Sequence[ReliabilityBin]) -> float:
    """Expected calibration error (Naeini et al., 2015): 0 when probabilities are honest, at most 1."""
    gaps = sum(abs(part.probability - part.right) * part.images for part in bins)
    return gaps / sum(part.images for part in bins)
