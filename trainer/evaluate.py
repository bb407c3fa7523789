"""Scores a model version on pictures with the graph that is served."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from verger.v1 import model_pb2

from services.inference.runtime import OnnxRuntime
from trainer.dataset import Picture, class_indices
from trainer.features import outputs
from trainer.figures import Evaluation
from trainer.scoring import score, score_negatives
from trainer.watch import OnProgress

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
    for row in outputs(OnnxRuntime(graph), pictures, spec, workers):
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
) -> Evaluation:
    """Scores pictures by a contract of the same or more classes. Files are named relative to the data folder `root`.

    Negatives are grouped by their names up to the first underscore, as in `animal_1.jpg`.
    """
    logits = logits_of(graph, [*pictures, *negatives], contract.preprocessing, workers, progress)
    known, strangers = logits[: len(pictures)], logits[len(pictures) :]
    targets = class_indices(pictures, [info.label for info in contract.classes])
    files = [picture.path.relative_to(root).as_posix() for picture in pictures]
    groups = [picture.path.stem.partition("_")[0] for picture in negatives]
    evaluation = score(known, targets, files, contract)
    return replace(evaluation, negatives=score_negatives(known, strangers, groups, contract.calibration))
