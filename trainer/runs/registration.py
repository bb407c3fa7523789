"""Registers a judged candidate, with everything that people read about it in MLflow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from registry.models import version_tags
from registry.pages import run_page, version_page
from trainer.data.dataset import Origin
from trainer.evaluation.figures import Evaluation
from trainer.evaluation.gate import Decision
from trainer.evaluation.intervals import with_interval
from trainer.release.card import render_figures
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
    problems: Sequence[str]
    """See trainer.data.few.problems_of_few."""
    pages: Mapping[str, str]
    """Addresses of pages where people find out more, by what they show."""


def register(
    context: RunContext,
    run: TrackedRun,
    candidate: Candidate,
    decision: Decision,
    problems: Sequence[str],
) -> Outcome:
    """Adds a candidate to the registry, as champion if it passed the gate and otherwise as challenger.

    Args:
        problems: see Outcome.
    """
    registry, version = context.registry, candidate.version
    tags = {
        **version_tags(version, "passed" if decision.passed else "failed", decision.reason),
        **lineage_tags(decision, candidate.evaluation, context.dataset.test),
        **({"few_pictures": " ".join(problems)} if problems else {}),
        **dataset_tags(context.dataset.folders.origin),
    }
    metrics = dict(version.contract.provenance.test_metrics)
    text = describe(candidate.evaluation, decision, problems, context.dataset.folders.origin)
    with context.progress.waiting("Registering"):
        number = registry.register(version.path, tags, context.settings.experiment_name, run.id, metrics, text)
        if decision.passed:
            registry.promote(number)
        else:
            registry.challenge(number)
        figures = render_figures(version, registry.record_of(number))
        run.log_card(f"# Version {number} of {registry.name}\n\n{text}\n\n{figures}")
        run.describe(f"Made version {number} of {registry.name}.\n\n{text}")
    return Outcome(number, candidate.evaluation, decision, problems, _pages(context, run, number, decision))


def dataset_tags(origin: Origin | None) -> dict[str, str]:
    """Returns the tags by which a version names the dataset version that it was trained on; none for a folder."""
    return {"dataset": origin.reference, "dataset_digest": origin.digest} if origin else {}


def describe(evaluation: Evaluation, decision: Decision, problems: Sequence[str], origin: Origin | None = None) -> str:
    """Returns what people should know about a version, as Markdown."""
    labels = [figures.label for figures in evaluation.classes]
    right = round(evaluation.accuracy * evaluation.images)
    negatives = sum(figures.images for figures in evaluation.negatives)
    refused = sum(round(figures.refused_share * figures.images) for figures in evaluation.negatives)
    sentences = [
        *([f"**Few pictures: answers may be wrong.** {' '.join(problems)}"] if problems else []),
        f"{len(labels)} classes: {', '.join(labels)}.",
        f"Right on {right} of {evaluation.images} test pictures, {with_interval(right, evaluation.images)}; "
        f"{evaluation.unsure_share:.1%} unsure, {evaluation.refused_share:.1%} called out of scope.",
        *([f"{refused} of {negatives} pictures of none of the classes refused."] if negatives else []),
        *([_origin_sentence(origin)] if origin else []),
        evaluation.arithmetic,
        f"Gate: {'passed' if decision.passed else 'failed'}. {decision.reason}",
    ]
    return "\n\n".join(sentences)


def _origin_sentence(origin: Origin) -> str:
    deleted = f"; {origin.deleted} of its photos had been deleted" if origin.deleted else ""
    return f"Trained on {origin.reference}, digest {origin.digest[:12]}{deleted}."


def _pages(context: RunContext, run: TrackedRun, number: str, decision: Decision) -> Mapping[str, str]:
    settings = context.settings
    mlflow = settings.mlflow_page_url or settings.mlflow_url
    pages = {
        "Run": run_page(mlflow, run.experiment_id, run.id),
        "Version": version_page(mlflow, context.registry.name, number),
    }
    return {**pages, "Page": settings.page_url} if decision.passed and settings.page_url else pages
