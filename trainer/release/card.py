"""Model card of the release: text that people write, and figures that each release replaces."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.version import EVALUATION_FILE, VersionDirectory
from registry.runs import RunRecord
from trainer.evaluation.figures import Evaluation
from trainer.evaluation.intervals import with_interval
from trainer.release.stages import StageFigures, stages_of

CARD_FILE = "MODEL_CARD.md"

_BEGIN, _END = "<!-- figures: made by `trainer release`, do not edit -->", "<!-- end of figures -->"

_NEW_CARD = f"""# Model card

What this model is for, what it was trained on, under which licence, and what it is known to get wrong: write it here.

{_BEGIN}{_END}
"""


def write_card(old: Path, new: Path, release: VersionDirectory, run: RunRecord | None) -> None:
    """Writes a card with the text of the old one, if there is one, and the figures of this release.

    Args:
        run: the run that made the version, if it is known.
    """
    text = old.read_text(encoding="utf-8") if old.is_file() else _NEW_CARD
    figures = f"{_BEGIN}\n{render_figures(release, run)}{_END}"
    before, begin, rest = text.partition(_BEGIN)
    after = rest.partition(_END)[2] if begin else "\n"
    new.write_text(f"{before.rstrip()}\n\n{figures}{after}", encoding="utf-8")


def render_figures(release: VersionDirectory, run: RunRecord | None) -> str:
    """Returns the part of the card that each release replaces, as Markdown."""
    contract = release.contract
    sizes = ", ".join(f"{file.path} {file.size_bytes / 1e6:.1f} MB" for file in contract.files)
    lines = [
        "## This release",
        "",
        f"- Classes: {', '.join(info.label for info in contract.classes)}",
        f"- Input: {contract.preprocessing.width} x {contract.preprocessing.height} RGB pixels",
        f"- Trained at: {contract.provenance.trained_at.ToJsonString()}",
        f"- Data set digest: `{contract.provenance.dataset_digest}`",
        f"- Content digest: `{release.digest}`",
        f"- Files: {sizes}",
        "",
        *_evaluation_lines(Evaluation.read(release.path / EVALUATION_FILE)),
    ]
    if run:
        lines += _stage_lines(stages_of(run, contract.preprocessing.width)) + _setting_lines(run.parameters)
    return "\n".join(lines)


def _stage_lines(stages: Sequence[StageFigures]) -> list[str]:
    if not stages:
        return []
    rows = [
        f"| {stage.name} | {stage.pixels} | {stage.epochs} | {stage.photos} | {stage.minutes:.1f} | "
        f"{stage.val_accuracy:.4f} | {stage.val_loss:.3f} |"
        for stage in stages
    ]
    return [
        "### What each stage brought",
        "",
        "Accuracy and loss on the validation photos after the last epoch of a stage.",
        "",
        "| stage | pixels | epochs | photos seen | minutes | accuracy | loss |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *rows,
        "",
    ]


def _setting_lines(parameters: Mapping[str, str]) -> list[str]:
    rows = [f"| {name} | {value} |" for name, value in sorted(parameters.items()) if ".augmentation." not in name]
    return ["### Settings of the run", "", "| setting | value |", "| --- | --- |", *rows, ""] if rows else []


def _evaluation_lines(evaluation: Evaluation) -> list[str]:
    overall = {
        "accuracy": evaluation.accuracy,
        "macro F1": evaluation.macro_f1,
        "expected calibration error": evaluation.expected_calibration_error,
        "called unsure": evaluation.unsure_share,
        "called out of scope": evaluation.refused_share,
    }
    classes = [
        f"| {item.label} | {item.precision:.3f} | {item.recall:.3f} | {item.f1:.3f} | {item.support} |"
        for item in evaluation.classes
    ]
    confusions = [f"- {true} taken for {predicted}: {count}" for count, true, predicted in evaluation.confusions()[:8]]
    return [
        *([evaluation.arithmetic, ""] if evaluation.arithmetic else []),
        f"### On the {evaluation.images} test pictures",
        "",
        "| figure | value |",
        "| --- | --- |",
        *[f"| {name} | {value:.4f} |" for name, value in overall.items()],
        "",
        "| class | precision | recall | F1 | pictures |",
        "| --- | --- | --- | --- | --- |",
        *classes,
        "",
        *_part_lines(evaluation),
        *_negative_lines(evaluation),
        "### Most frequent mistakes",
        "",
        *(confusions or ["- none"]),
        "",
    ]


def _part_lines(evaluation: Evaluation) -> list[str]:
    if not evaluation.parts:
        return []
    rows = [
        f"| {part.part} | {'elsewhere' if part.is_elsewhere else 'where it was trained'} | {part.images} | "
        f"{with_interval(part.images - len(part.wrong), part.images)} | {part.expected_calibration_error:.3f} | "
        f"{with_interval(part.unsure, part.images)} | {with_interval(part.refused, part.images)} |"
        for part in evaluation.parts
    ]
    head = [
        "| pictures | | count | right | calibration error | unsure | called out of scope |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    return ["### On each part, with 95 % intervals (Wilson)", "", *head, *rows, ""]


def _negative_lines(evaluation: Evaluation) -> list[str]:
    if not evaluation.negatives:
        return []
    groups = [
        f"| {item.group} | {item.auroc:.4f} | "
        f"{with_interval(round(item.refused_share * item.images), item.images)} | {item.images} |"
        for item in evaluation.negatives
    ]
    head = ["| negatives | AUROC | called out of scope | pictures |", "| --- | --- | --- | --- |"]
    return ["### On pictures of none of the classes", "", *head, *groups, ""]
