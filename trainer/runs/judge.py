"""Compares a candidate with the champion on the same pictures; trainer.evaluation.gate then decides."""

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from verger.v1 import model_pb2

from engine.errors import ContractUnsupported, ModelCorrupt
from engine.model.loading import load_model
from engine.version import VersionDirectory
from registry.aliases import CHAMPION
from registry.reference import fetch
from trainer.data.dataset import Picture
from trainer.evaluation import gate
from trainer.evaluation.evaluate import evaluate
from trainer.evaluation.figures import Evaluation
from trainer.evaluation.latency import compare_cost
from trainer.evaluation.scoring import NO_NEGATIVE_LOGITS, NegativeLogits
from trainer.graphs.int8 import is_quantised
from trainer.network.assembly import HEAD
from trainer.network.backbone import BACKBONE, weights_digest
from trainer.network.files import load_network
from trainer.runs.candidate import Candidate
from trainer.training.context import RunContext
from trainer.training.remembered_negatives import NegativeFeatures

SERVING, TRAINING = model_pb2.ModelFile.ROLE_SERVING, model_pb2.ModelFile.ROLE_TRAINING


@dataclass(frozen=True)
class Comparison:
    """What a candidate is compared with: a registered version, measured on the same pictures and machine."""

    evaluation: Evaluation
    cost: gate.Cost
    """Cost of the candidate, relative to the registered version."""
    refuses: bool
    """See gate.Champion."""
    is_quantised: bool
    elsewhere: Sequence[str]
    """See gate.Champion."""


def judge(
    context: RunContext,
    candidate: Candidate,
    remembered: NegativeFeatures,
) -> gate.Decision:
    """Decides whether a candidate may become champion.

    Args:
        remembered: negatives that the candidate was evaluated on, with features computed by its backbone.
    """
    try:
        with context.progress.waiting("Checking the version as inference does"):  # the golden samples, too
            load_model(model_pb2.ModelRef(name=context.registry.name, version="new"), candidate.version.path)
    except (ModelCorrupt, ContractUnsupported) as error:
        return gate.not_sound(str(error))
    champion = context.registry.aliases().get(CHAMPION)
    if champion is None:
        return gate.NO_CHAMPION
    found = _compare_with_champion(context, candidate, remembered, champion)
    if isinstance(found, gate.Decision):
        return found
    lineage_best = _lineage_best(context.registry.tags_of(champion), context.dataset.test)
    described = gate.Champion(champion, lineage_best, found.refuses, found.is_quantised, found.elsewhere)
    return gate.compare(candidate.evaluation, found.evaluation, found.cost, described)


def lineage_tags(decision: gate.Decision, evaluation: Evaluation, test: Sequence[Picture]) -> dict[str, str]:
    """Returns tags that `judge` reads once the version is champion."""
    return {"held_to": repr(max(decision.lineage_best, evaluation.accuracy)), "test_digest": _digest(test)}


def _lineage_best(tags: Mapping[str, str], test: Sequence[Picture]) -> float:
    return float(tags["held_to"]) if tags.get("test_digest") == _digest(test) else 0


def _compare_with_champion(
    context: RunContext, candidate: Candidate, remembered: NegativeFeatures, number: str
) -> Comparison | gate.Decision:
    """Measures the champion, or returns the decision if it can't be compared."""
    roles = [SERVING, *([TRAINING] if len(remembered) else [])]
    with tempfile.TemporaryDirectory(prefix="verger-") as folder:
        try:
            champion = fetch(context.registry, number, roles, Path(folder))
            if sorted(info.label for info in champion.contract.classes) != sorted(context.dataset.labels):
                return gate.not_comparable(number, "It knows other classes.")
            logits = _champion_logits(candidate.version, champion, remembered)
        except (ModelCorrupt, ContractUnsupported) as error:
            return gate.not_comparable(number, str(error))
        graph = champion.file(SERVING)
        with context.progress.counting("Testing the champion") as progress:
            data = context.evaluation_data(logits)
            evaluation = evaluate(graph, champion.contract, data, context.workers, progress)
        with context.progress.waiting("Comparing speed with the champion"):
            sides = candidate.version, champion
            cost = compare_cost(*((side.file(SERVING), side.contract.preprocessing) for side in sides))
        return Comparison(
            evaluation, cost, champion.was_tested_on_negatives, is_quantised(graph), champion.parts_elsewhere
        )


def _champion_logits(
    version: VersionDirectory, champion: VersionDirectory, remembered: NegativeFeatures
) -> NegativeLogits:
    """Returns the champion's logits of remembered negatives, or none if the backbones differ.

    For a quantised version these are the logits of its float model, because there are no pictures to run its graph on.
    This changes its AUROC by less than 0.005 (measured on the release), a quarter of what the gate tolerates.
    """
    if not len(remembered):
        return NO_NEGATIVE_LOGITS
    new, old = (load_network(side.file(TRAINING)) for side in (version, champion))
    have_same_backbone = weights_digest(new.get_layer(BACKBONE)) == weights_digest(old.get_layer(BACKBONE))
    return remembered.logits(old.get_layer(HEAD)) if have_same_backbone else NO_NEGATIVE_LOGITS


def _digest(pictures: Sequence[Picture]) -> str:
    lines = sorted(f"{picture.label}/{picture.digest}" for picture in pictures)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
