"""Scores a model version on pictures with the graph that is served."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from verger.v1 import model_pb2

from engine.model.session import OnnxSession
from trainer.data.dataset import Picture, class_indices
from trainer.data.names import group_of
from trainer.evaluation.features import outputs
from trainer.evaluation.figures import Evaluation
from trainer.evaluation.scoring import NOTHING_RECALLED, Recalled, score, score_negatives
from trainer.tracking.progress import OnProgress

Floats = NDArray[np.float32]


def logits_of(
    graph: Path,
    pictures: Sequence[Picture],
    spec: model_pb2.Preprocessing,
    workers: int,
    progress: OnProgress,
) -> Floats:
    """The graph's logits for n pictures, float32 of shape [n, classes], or [0, 0] for none.

    Args:
        progress: is told how many of n are done.
    """
    rows: list[Floats] = []
    for row in outputs(OnnxSession(graph), pictures, spec, workers):
        rows.append(row)
        progress(len(rows), len(pictures))
    return np.stack(rows) if rows else np.zeros((0, 0), np.float32)


def evaluate(
    graph: Path,
    contract: model_pb2.ModelContract,
    pictures: Sequence[Picture],
    negatives: Sequence[Picture],
    root: Path,
    workers: int,
    progress: OnProgress,
    recalled: Recalled = NOTHING_RECALLED,
) -> Evaluation:
    """Scores pictures by a contract of the same or more classes. Files are named relative to the data folder `root`.

    Negatives are grouped by trainer.data.names.group_of; those that are recalled make groups of their own.
    """
    logits = logits_of(graph, [*pictures, *negatives], contract.preprocessing, workers, progress)
    known, strangers = logits[: len(pictures)], logits[len(pictures) :]
    targets = class_indices(pictures, [info.label for info in contract.classes])
    files = [picture.path.relative_to(root).as_posix() for picture in pictures]
    groups = [group_of(picture.path) for picture in negatives]
    refused = [
        *score_negatives(known, strangers, groups, contract.calibration),
        *score_negatives(known, recalled.logits, recalled.groups, contract.calibration),
    ]
    return replace(score(known, targets, files, contract), negatives=refused)
