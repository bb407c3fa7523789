"""A new version on its way into the registry, whatever made its models: calibrated, tested, registered."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from verger.v1 import model_pb2

from engine.contract import write_contract
from engine.version import EVALUATION_FILE, SERVING_FILE, VersionDirectory, open_version
from registry.models import Registry, version_tags
from trainer.cli.console import counting
from trainer.config import TrainerSettings
from trainer.data.dataset import Dataset, class_indices
from trainer.evaluation.calibration import UNCALIBRATED, calibrate
from trainer.evaluation.evaluate import evaluate, logits_of
from trainer.evaluation.figures import Evaluation
from trainer.evaluation.gate import Decision
from trainer.evaluation.scoring import NOTHING_RECALLED, Recalled
from trainer.tracking.run import TrackedRun
from trainer.training.judge import lineage_tags


@dataclass(frozen=True)
class Outcome:
    """A registered version and what became of it."""

    version: str
    evaluation: Evaluation
    decision: Decision


def measure(
    directory: Path,
    draft: model_pb2.ModelContract,
    dataset: Dataset,
    workers: int,
    recalled: Recalled = NOTHING_RECALLED,
    before: model_pb2.Calibration = UNCALIBRATED,
) -> tuple[VersionDirectory, Evaluation]:
    """Calibrates and tests the graph in a directory; completes the contract and writes it there.

    Args:
        draft: of draft_contract(), with its provenance; calibration and test metrics are added to it.
        recalled: the graph's answers to negatives that there is no picture of.
        before: see trainer.evaluation.calibration.calibrate.
    """
    graph, labels = directory / SERVING_FILE, [info.label for info in draft.classes]
    negatives = dataset.validation_negatives  # no other negative is kept from the training
    with counting("Calibrating") as progress:
        logits = logits_of(graph, [*dataset.validation, *negatives], draft.preprocessing, workers, progress)
    known, seen = logits[: len(dataset.validation)], logits[len(dataset.validation) :]
    parts = [part for part in (seen, recalled.logits) if len(part)]
    strangers = np.concatenate(parts) if parts else recalled.logits
    draft.calibration.CopyFrom(calibrate(known, class_indices(dataset.validation, labels), strangers, before))
    with counting("Testing") as progress:
        evaluation = evaluate(graph, draft, dataset.test, negatives, dataset.root, workers, progress, recalled)
    evaluation.write(directory / EVALUATION_FILE)
    for name, value in evaluation.summary().items():
        draft.provenance.test_metrics[name] = value
    write_contract(draft, directory)
    return open_version(directory), evaluation


def register(
    version: VersionDirectory,
    evaluation: Evaluation,
    decision: Decision,
    dataset: Dataset,
    run: TrackedRun,
    registry: Registry,
    settings: TrainerSettings,
    tags: Mapping[str, str] | None = None,
) -> Outcome:
    """Adds a judged version to the registry, as champion if it passed the gate, otherwise as challenger.

    Args:
        tags: to show beside those that every version has.
    """
    shown = version_tags(version, "passed" if decision.passed else "failed", decision.reason)
    lineage = lineage_tags(decision, evaluation, dataset.test)
    metrics = dict(version.contract.provenance.test_metrics)
    with counting("Registering"):
        number = registry.register(
            version.path, {**shown, **lineage, **(tags or {})}, settings.experiment_name, run.id, metrics
        )
    if decision.passed:
        registry.promote(number)
    else:
        registry.challenge(number)
    return Outcome(number, evaluation, decision)
