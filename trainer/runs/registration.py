"""Registers a judged candidate."""

from collections.abc import Mapping
from dataclasses import dataclass

from registry.models import version_tags
from trainer.evaluation.figures import Evaluation
from trainer.evaluation.gate import Decision
from trainer.runs.candidate import Candidate
from trainer.runs.judge import lineage_tags
from trainer.tracking.run import TrackedRun
from trainer.training.context import RunContext


@dataclass(frozen=True)
class Outcome:
    """Result of a run: the registered version's number, evaluation and decision."""

    version: str
    evaluation: Evaluation
    decision: Decision


def register(
    context: RunContext,
    run: TrackedRun,
    candidate: Candidate,
    decision: Decision,
    extra_tags: Mapping[str, str] | None = None,
) -> Outcome:
    """Adds a candidate to the registry, as champion if it passed the gate and otherwise as challenger."""
    registry, version = context.registry, candidate.version
    tags = {
        **version_tags(version, "passed" if decision.passed else "failed", decision.reason),
        **lineage_tags(decision, candidate.evaluation, context.dataset.test),
        **(extra_tags or {}),
    }
    metrics = dict(version.contract.provenance.test_metrics)
    with context.progress.counting("Registering"):
        number = registry.register(version.path, tags, context.settings.experiment_name, run.id, metrics)
    if decision.passed:
        registry.promote(number)
    else:
        registry.challenge(number)
    return Outcome(number, candidate.evaluation, decision)
