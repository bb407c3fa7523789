"""Evaluates a model version on pictures, with the graph that is served."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from verger.v1 import model_pb2

from trainer.data.dataset import Picture, class_indices
from trainer.data.names import groups_of, kind_of, parts_of
from trainer.evaluation.figures import Evaluation
from trainer.evaluation.scoring import (
    NO_NEGATIVE_LOGITS,
    NegativeLogits,
    count_answers,
    score,
    score_negatives,
    score_parts,
)
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
    """Pictures of none of the classes, grouped by trainer.data.names.groups_of."""
    remembered: NegativeLogits = NO_NEGATIVE_LOGITS
    """The version's logits of remembered negatives, which form groups of their own."""
    elsewhere: Mapping[str, Sequence[Picture]] = field(default_factory=dict)
    """Pictures of the classes from other collections than the training pictures, by the collection's name."""
    logits: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    """The version's logits of `pictures` where they are known, shape [n, classes]; [0, 0] otherwise."""


def evaluate(
    graph: Path, contract: model_pb2.ModelContract, data: EvaluationData, workers: int, progress: OnProgress
) -> Evaluation:
    """Evaluates a serving graph by its contract, which may have more classes than the data."""
    collections = {data.root.resolve().name: data.pictures, **data.elsewhere}
    pictures = [picture for found in collections.values() for picture in found]
    asked = [*pictures, *data.negatives][len(data.logits) :]
    answers = data.logits, logits_of(graph, asked, contract.preprocessing, workers, progress)
    logits = np.concatenate([part for part in answers if len(part)])
    known, negatives = logits[: len(data.pictures)], logits[len(pictures) :]
    targets = class_indices(pictures, [info.label for info in contract.classes])
    files = [_name(picture, data.root) for picture in pictures]
    seen = NegativeLogits(negatives, groups_of([kind_of(picture.path) for picture in data.negatives]))
    figures = [
        *score_negatives(known, seen, contract.calibration),
        *score_negatives(known, data.remembered, contract.calibration),
    ]
    first, parts = 0, []
    for number, (name, found) in enumerate(collections.items()):
        end = first + len(found)
        names = parts_of(name, [picture.path for picture in found])
        scored = logits[first:end], targets[first:end], files[first:end]
        parts += score_parts(*scored, names, contract.calibration, is_elsewhere=number > 0)
        first = end
    whole = score(known, targets[: len(known)], files[: len(known)], contract)
    others = [part for part in (negatives, data.remembered.logits) if len(part)]
    row = [count_answers(np.concatenate(others), contract.calibration)] if others else []
    return replace(whole, negatives=figures, answers=[*whole.answers, *row], parts=parts)


def _name(picture: Picture, root: Path) -> str:
    """Returns the path of a picture, relative to the data folder if it is in there."""
    path = picture.path
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()
