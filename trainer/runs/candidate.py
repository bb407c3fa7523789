"""A candidate: a new version that is calibrated and tested, but not registered yet."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from verger.v1 import model_pb2

from engine.contract import write_contract
from engine.version import EVALUATION_FILE, SERVING_FILE, VersionDirectory, open_version
from trainer.data.dataset import class_indices
from trainer.evaluation.calibration import UNCALIBRATED, calibrate
from trainer.evaluation.evaluate import evaluate
from trainer.evaluation.figures import Evaluation
from trainer.evaluation.scoring import NO_NEGATIVE_LOGITS, NegativeLogits
from trainer.graphs.features import logits_of
from trainer.training.context import RunContext


@dataclass(frozen=True)
class Candidate:
    """A complete version directory with its evaluation on the test pictures."""

    version: VersionDirectory
    evaluation: Evaluation


def make_candidate(
    context: RunContext,
    directory: Path,
    draft: model_pb2.ModelContract,
    remembered: NegativeLogits = NO_NEGATIVE_LOGITS,
    fallback: model_pb2.Calibration = UNCALIBRATED,
) -> Candidate:
    """Calibrates and tests the serving graph in a directory, completes the contract and writes it there.

    Args:
        draft: contract from draft_contract(), with its provenance. Calibration and test metrics are added to it.
        remembered: the graph's logits of remembered negatives.
        fallback: calibration for too few pictures, see trainer.evaluation.calibration.calibrate.
    """
    _calibrate(context, directory / SERVING_FILE, draft, remembered, fallback)
    data = context.evaluation_data(remembered)
    with context.progress.counting("Testing") as progress:
        evaluation = evaluate(directory / SERVING_FILE, draft, data, context.workers, progress)
    evaluation.write(directory / EVALUATION_FILE)
    for name, value in evaluation.summary().items():
        draft.provenance.test_metrics[name] = value
    write_contract(draft, directory)
    return Candidate(open_version(directory), evaluation)


def _calibrate(
    context: RunContext,
    graph: Path,
    draft: model_pb2.ModelContract,
    remembered: NegativeLogits,
    fallback: model_pb2.Calibration,
) -> None:
    dataset, labels = context.dataset, [info.label for info in draft.classes]
    pictures = [*dataset.validation, *dataset.validation_negatives]
    with context.progress.counting("Calibrating") as progress:
        logits = logits_of(graph, pictures, draft.preprocessing, context.workers, progress)
    known, seen = logits[: len(dataset.validation)], logits[len(dataset.validation) :]
    parts = [part for part in (seen, remembered.logits) if len(part)]
    negatives = np.concatenate(parts) if parts else remembered.logits
    draft.calibration.CopyFrom(calibrate(known, class_indices(dataset.validation, labels), negatives, fallback))
