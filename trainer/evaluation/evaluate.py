"""Evaluates a model version on pictures, with the graph that is served."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from verger.v1 import model_pb2

from trainer.data.dataset import Picture, class_indices
from trainer.data.names import group_of
from trainer.evaluation.figures import Evaluation
from trainer.evaluation.scoring import NO_NEGATIVE_LOGITS, NegativeLogits, score, score_negatives
from trainer.graphs.features import logits_of
from trainer.progress import OnProgress


@dataclass(frozen=True)
class EvaluationData:
    """Pictures that a version is evaluated on."""

    root: Path
    """Data folder that the files of mistakes are named relative to."""
    pictures: Sequence[Picture]
    """Pictures of the version's classes; at least one."""
    negatives: Sequence[Picture] = ()
    """Pictures of none of the classes, grouped by trainer.data.names.group_of."""
    remembered: NegativeLogits = NO_NEGATIVE_LOGITS
    """The version's logits of remembered negatives, which form groups of their own."""


def evaluate(
    graph: Path, contract: model_pb2.ModelContract, data: EvaluationData, workers: int, progress: OnProgress
) -> Evaluation:
    """Evaluates a serving graph by its contract, which may have more classes than the data."""
    logits = logits_of(graph, [*data.pictures, *data.negatives], contract.preprocessing, workers, progress)
    known, negatives = logits[: len(data.pictures)], logits[len(data.pictures) :]
    targets = class_indices(data.pictures, [info.label for info in contract.classes])
    files = [picture.path.relative_to(data.root).as_posix() for picture in data.pictures]
    seen = NegativeLogits(negatives, [group_of(picture.path) for picture in data.negatives])
    figures = [
        *score_negatives(known, seen, contract.calibration),
        *score_negatives(known, data.remembered, contract.calibration),
    ]
    return replace(score(known, targets, files, contract), negatives=figures)
