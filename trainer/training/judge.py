"""Compares a new version with the champion on the same pictures; trainer.evaluation.gate then decides."""

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
from verger.v1 import model_pb2

from engine.errors import ContractUnsupported, ModelCorrupt
from engine.model.loading import load_model
from engine.version import VersionDirectory
from registry.models import CHAMPION, Registry
from trainer.cli.console import counting
from trainer.config import TrainerSettings
from trainer.data.dataset import Dataset, Picture
from trainer.evaluation import gate
from trainer.evaluation.evaluate import evaluate
from trainer.evaluation.figures import Evaluation
from trainer.evaluation.latency import compare_cost
from trainer.evaluation.scoring import NOTHING_RECALLED, Recalled
from trainer.network.assembly import HEAD
from trainer.network.backbone import BACKBONE, weights_digest
from trainer.network.int8 import is_quantised
from trainer.release.reference import fetch
from trainer.training.remembered import NOTHING, Rows

SERVING, TRAINING = model_pb2.ModelFile.ROLE_SERVING, model_pb2.ModelFile.ROLE_TRAINING


def judge(
    version: VersionDirectory,
    evaluation: Evaluation,
    dataset: Dataset,
    remembered: Rows,
    registry: Registry,
    settings: TrainerSettings,
) -> gate.Decision:
    """Decides whether a version may go live.

    Args:
        evaluation: of the version, on the data set and on the remembered negatives.
        remembered: as the backbone of the version sees them.
    """
    try:
        load_model(model_pb2.ModelRef(name=registry.name, version="new"), version.path)  # its golden samples too
    except (ModelCorrupt, ContractUnsupported) as error:
        return gate.not_sound(str(error))
    champion = registry.aliases().get(CHAMPION)
    if champion is None:
        return gate.NO_CHAMPION
    with tempfile.TemporaryDirectory(prefix="verger-") as folder:
        try:
            rival = fetch(registry, champion, [SERVING, *([TRAINING] if len(remembered) else [])], Path(folder))
            if sorted(info.label for info in rival.contract.classes) != sorted(dataset.labels):
                return gate.not_comparable(champion, "It knows other classes.")
            recalled = _recall(version, rival, remembered) if len(remembered) else NOTHING_RECALLED
        except (ModelCorrupt, ContractUnsupported) as error:
            return gate.not_comparable(champion, str(error))
        with counting("Testing the champion") as progress:
            theirs = evaluate(
                rival.file(SERVING),
                rival.contract,
                dataset.test,
                dataset.validation_negatives,
                dataset.root,
                settings.trainer_workers,
                progress,
                recalled,
            )
        cost = compare_cost(version, rival)
        quantised = is_quantised(rival.file(SERVING))
    held_to = _held_to(registry.tags_of(champion), dataset.test)
    return gate.compare(
        evaluation, theirs, cost, gate.Champion(champion, held_to, rival.was_tested_on_negatives, quantised)
    )


def judge_quantised(
    version: VersionDirectory,
    evaluation: Evaluation,
    parent: VersionDirectory,
    number: str,
    dataset: Dataset,
    registry: Registry,
    settings: TrainerSettings,
) -> gate.Decision:
    """The same for a quantised version, which must be worth it beside the float version that it was made from.

    Args:
        evaluation: of the version, on the data set.
        parent: the float version. number: its own.
    """
    decision = judge(version, evaluation, dataset, NOTHING.validation, registry, settings)
    with counting("Testing the float version") as progress:
        theirs = evaluate(
            parent.file(SERVING), parent.contract, dataset.test, [], dataset.root, settings.trainer_workers, progress
        )
    return gate.beside_parent(decision, evaluation, theirs, compare_cost(version, parent), number)


def lineage_tags(decision: gate.Decision, evaluation: Evaluation, test: Sequence[Picture]) -> dict[str, str]:
    """What `judge` will want to know of a version when it is champion."""
    return {"held_to": repr(max(decision.held_to, evaluation.accuracy)), "test_digest": _digest(test)}


def _held_to(tags: Mapping[str, str], test: Sequence[Picture]) -> float:
    return float(tags["held_to"]) if tags.get("test_digest") == _digest(test) else 0


def _recall(version: VersionDirectory, rival: VersionDirectory, remembered: Rows) -> Recalled:
    """The champion's answers to what the new version's backbone remembers; none where the champion has another one.

    Those of a quantised champion are its float model's: there is no picture that its graph could be shown. This moves
    its AUROC by less than 0.005 (measured on the release), a quarter of what the gate lets pass.
    """
    ours, theirs = (keras.saving.load_model(side.file(TRAINING), compile=False) for side in (version, rival))
    same = weights_digest(ours.get_layer(BACKBONE)) == weights_digest(theirs.get_layer(BACKBONE))
    return remembered.answers(theirs.get_layer(HEAD)) if same else NOTHING_RECALLED


def _digest(pictures: Sequence[Picture]) -> str:
    lines = sorted(f"{picture.label}/{picture.digest}" for picture in pictures)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
