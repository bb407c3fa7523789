"""Scores answers. Pure: takes logits and true classes, returns figures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support
from verger.v1 import classifier_pb2, model_pb2

from engine.model.verdict import decide, probabilities, scope_score
from trainer.evaluation.calibration import scope_auroc
from trainer.evaluation.figures import (
    ClassFigures,
    Evaluation,
    Mistake,
    NegativeFigures,
    PartFigures,
    ReliabilityBin,
)

Floats = NDArray[np.float32]

CALIBRATION_BINS = 15


@dataclass(frozen=True)
class NegativeLogits:
    """A version's logits of n negatives."""

    logits: Floats
    """Shape [n, classes]; [0, 0] for no negatives."""
    groups: Sequence[str]
    """Group of each negative."""


NO_NEGATIVE_LOGITS = NegativeLogits(np.zeros((0, 0), np.float32), ())


def score(
    logits: Floats, targets: NDArray[np.int64], files: Sequence[str], contract: model_pb2.ModelContract
) -> Evaluation:
    """Scores the answers that serving would give.

    Args:
        logits: float32 of shape [n, classes], n at least 1.
        targets: true class indices in the contract's order, shape [n].
        files: name of each picture.
        contract: of the version that computed the logits.
    """
    labels = [info.label for info in contract.classes]
    predicted, best, verdicts = _answers(logits, contract.calibration)
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
        answers=[count_answers(logits[targets == number], contract.calibration) for number in range(len(labels))],
        reliability=bins,
        mistakes=[
            Mistake(files[i], labels[targets[i]], labels[predicted[i]], float(best[i]))
            for i in wrong[np.argsort(-best[wrong])]
        ],
    )


def count_answers(logits: Floats, calibration: model_pb2.Calibration) -> list[int]:
    """Counts the answers that serving would give: each class that is recognised, then UNSURE, then OUT_OF_SCOPE.

    Args:
        logits: float32 of shape [n, classes]; n may be 0.
    """
    classes = logits.shape[1]
    predicted, _, verdicts = _answers(logits, calibration)
    columns = {classifier_pb2.VERDICT_UNSURE: classes, classifier_pb2.VERDICT_OUT_OF_SCOPE: classes + 1}
    found = [columns.get(verdict, int(best)) for best, verdict in zip(predicted, verdicts, strict=True)]
    counts: list[int] = np.bincount(found, minlength=classes + 2).tolist()
    return counts


def score_parts(
    logits: Floats,
    targets: NDArray[np.int64],
    files: Sequence[str],
    parts: Sequence[str],
    calibration: model_pb2.Calibration,
    is_elsewhere: bool,
) -> list[PartFigures]:
    """Scores each part of the pictures, in the order of their names.

    Args:
        logits, targets, files: as for `score`; there may be no pictures.
        parts: part of each picture, see trainer.data.names.parts_of.
        is_elsewhere: see PartFigures.
    """
    found = []
    for part in sorted(set(parts)):
        members = np.flatnonzero(np.array(parts) == part)
        predicted, best, verdicts = _answers(logits[members], calibration)
        right = predicted == targets[members]
        found.append(
            PartFigures(
                part=part,
                is_elsewhere=is_elsewhere,
                images=len(members),
                unsure=verdicts.count(classifier_pb2.VERDICT_UNSURE),
                refused=verdicts.count(classifier_pb2.VERDICT_OUT_OF_SCOPE),
                expected_calibration_error=calibration_error(reliability_bins(best, right)),
                wrong=[files[member] for member in members[~right]],
            )
        )
    return found


def _answers(
    logits: Floats, calibration: model_pb2.Calibration
) -> tuple[NDArray[np.int64], Floats, list["classifier_pb2.Verdict"]]:
    """Returns the best class, its probability and the verdict of each picture."""
    calibrated = probabilities(logits, calibration.temperature)
    predicted, best = calibrated.argmax(axis=1), calibrated.max(axis=1)
    scores = scope_score(logits, calibration)
    verdicts = [decide(float(p), float(s), calibration) for p, s in zip(best, scores, strict=True)]
    return predicted, best, verdicts


def score_negatives(
    known: Floats, negatives: NegativeLogits, calibration: model_pb2.Calibration
) -> list[NegativeFigures]:
    """Scores how well negatives are refused, for each group in the order of their names.

    Args:
        known: logits of the test pictures, shape [n, classes].
    """
    found = []
    for group in sorted(set(negatives.groups)):
        logits = negatives.logits[np.array(negatives.groups) == group]
        refused = scope_score(logits, calibration) < calibration.out_of_scope_below
        auroc = scope_auroc(known, logits, calibration)
        found.append(NegativeFigures(group, len(logits), auroc, float(refused.mean())))
    return found


def reliability_bins(best: Floats, right: NDArray[np.bool_]) -> list[ReliabilityBin]:
    """Sorts pictures into 15 bins of equal width and leaves out empty bins.

    Args:
        best: highest calibrated probability of each picture, shape [n].
        right: whether that class is the true one, shape [n].
    """
    numbers = np.minimum((best * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    members = [numbers == number for number in np.unique(numbers)]
    return [ReliabilityBin(float(best[m].mean()), float(right[m].mean()), int(m.sum())) for m in members]


def calibration_error(bins: Sequence[ReliabilityBin]) -> float:
    """Returns the expected calibration error, 0 (perfectly calibrated) to 1 (Naeini et al., 2015)."""
    gaps = sum(abs(part.probability - part.right) * part.images for part in bins)
    return gaps / sum(part.images for part in bins)
