"""Output in the terminal: progress, tables and messages. Results go to stdout, everything else to stderr."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from trainer.data.dataset import Contradiction, Dataset, Overlap, Unreadable
from trainer.evaluation.figures import Evaluation
from trainer.progress import EpochProgress, OnProgress

if TYPE_CHECKING:
    from trainer.runs.registration import Outcome

# Names of classes, files and folders may look like Rich's markup or emoji codes. Results have neither; what is inserted
# in notes is escaped.
RESULTS = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
NOTES = Console(stderr=True, soft_wrap=True, highlight=False, emoji=False)

MAX_NAMED = 3
"""Pictures that a warning names of those that are left out for the same reason."""


class ConsoleProgress:
    """Shows the progress of a run. Implements trainer.progress.Progress."""

    def note(self, text: str) -> None:
        NOTES.print(escape(text))

    def warn(self, text: str) -> None:
        """Highlights the text up to the first colon."""
        head, colon, rest = text.partition(":")
        NOTES.print(f"[yellow]{escape(head)}{colon}[/]{escape(rest)}")

    @contextmanager
    def counting(self, text: str) -> Iterator[OnProgress]:
        with _progress_bar(MofNCompleteColumn(), TimeRemainingColumn()) as bar:
            task = _begin(bar, text)
            yield lambda done, total: bar.update(task, completed=done, total=total)

    @contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        with _progress_bar(TimeElapsedColumn()) as bar:
            _begin(bar, text)
            yield

    @contextmanager
    def epochs(self) -> Iterator[EpochProgress]:
        with _progress_bar(TaskProgressColumn(), TextColumn("{task.fields[left]}")) as bar:
            yield _ConsoleEpochs(bar)


class _ConsoleEpochs:
    """Shows a progress bar for each stage and a line for each epoch. Implements trainer.progress.EpochProgress."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task: TaskID | None = None
        self._stage, self._epoch, self._epochs = "", 0, 0
        self._effort, self._done, self._before, self._began = 0.0, 0.0, 0.0, 0.0

    def wait(self, text: str) -> None:
        self._replace_task(text)

    def begin(self, stage: str, epochs: int, effort: float, done: float) -> None:
        self._stage, self._epoch, self._epochs = stage, 0, epochs
        self._effort, self._done, self._before, self._began = effort, done, done, monotonic()
        task = self._replace_task(f"Training {stage}")
        self._bar.update(task, total=effort, completed=done)

    def _replace_task(self, text: str) -> TaskID:
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = _begin(self._bar, text)
        return self._task

    def advance(self, effort: float) -> None:
        self._done += effort
        if self._task is not None:
            self._bar.update(self._task, advance=effort, left=self._time_left())

    def epoch_done(self, metrics: Mapping[str, float]) -> None:
        self._epoch += 1
        figures = "  ".join(f"{name} {value:.3f}" for name, value in metrics.items())
        self._bar.console.print(f"{self._stage} {self._epoch}/{self._epochs}  {figures}{self._time_left()}")

    def _time_left(self) -> str:
        """Returns the time that the stage still takes if it goes on as it did since it began or was resumed."""
        made, left = self._done - self._before, self._effort - self._done
        if made <= 0 or left <= 0:
            return ""
        seconds = left * (monotonic() - self._began) / made
        return f"  {seconds / 60:.0f} min left" if seconds >= 90 else f"  {seconds:.0f} s left"


def announce(dataset: Dataset) -> None:
    """Prints the size of each part of a data set, and what was left out."""
    NOTES.print(
        f"{len(dataset.labels)} classes. Pictures: {len(dataset.train)} for training, {len(dataset.validation)} for "
        f"validation, {len(dataset.test)} for testing."
    )
    if given := len(dataset.negatives) + len(dataset.validation_negatives):
        NOTES.print(
            f"Pictures of none of the classes (negatives): {len(dataset.negatives)} for training, "
            f"{given - len(dataset.negatives)} for validation."
        )
    for note in dataset.notes:
        NOTES.print(escape(note))
    warn_of_overlap(dataset.overlap)
    warn_of_contradictions(dataset.contradictions)
    warn_of_unreadable(dataset.unreadable)


def warn_of_overlap(overlap: Sequence[Overlap]) -> None:
    """Prints how many test pictures were left out as copies of training pictures, and names some."""
    names = [f"{pair.test.short_name} (as {pair.train.short_name})" for pair in overlap]
    _warn("test pictures show the same photo as a training picture and are left out", names)


def warn_of_contradictions(contradictions: Sequence[Contradiction]) -> None:
    """Prints how many pictures were left out because they lie in several classes, and names some."""
    names = [" = ".join(picture.short_name for picture in found.copies) for found in contradictions]
    _warn("pictures lie in several classes and are left out", names)


def _warn(what: str, names: Sequence[str]) -> None:
    if names:
        more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
        NOTES.print(f"[yellow]{len(names)} {what}:[/] {escape(', '.join(names[:MAX_NAMED]))}{more}.")


def warn_of_few_pictures(problems: Sequence[str]) -> None:
    """Prints in colour that answers may be wrong, and what there is too little of."""
    if problems:
        NOTES.print(f"[bold yellow]FEW PICTURES: answers may be wrong.[/] {escape(' '.join(problems))}")


def warn_of_unreadable(files: Sequence[Unreadable]) -> None:
    """Prints the files that were left out because they can't be read."""
    if files:
        NOTES.print(f"[yellow]{len(files)} files could not be read and are left out:[/]")
    for file in files:
        NOTES.print(f"  {escape(str(file.path))}: {escape(file.reason)}")


def show_outcome(outcome: "Outcome", trainer_command: str) -> None:
    """Prints the evaluation of a new version, whether it is champion, what is too little in it, and where to look.

    Args:
        trainer_command: see trainer.config.TrainerSettings.
    """
    RESULTS.print(evaluation_table(outcome.evaluation, "Test pictures"))
    if outcome.decision.passed:
        RESULTS.print(f"Version {outcome.version} is champion. {outcome.decision.reason}")
    else:
        RESULTS.print(f"Version {outcome.version} is challenger. {outcome.decision.reason}")
        RESULTS.print(f"To make it champion anyway: {trainer_command} promote {outcome.version}")
    RESULTS.print(outcome.evaluation.arithmetic)
    warn_of_few_pictures(outcome.problems)
    for name, address in outcome.pages.items():
        RESULTS.print(f"{name}: {address}")


def evaluation_table(evaluation: Evaluation, title: str) -> Table:
    """Returns a table of the classes that have pictures, and of the figures of all pictures."""
    table = Table("class", "precision", "recall", "F1", "pictures", title=title, title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for figures in evaluation.classes:
        if figures.support:
            shares = [f"{share:.3f}" for share in (figures.precision, figures.recall, figures.f1)]
            table.add_row(figures.label, *shares, str(figures.support))
    table.add_section()
    table.add_row("accuracy", "", "", f"{evaluation.accuracy:.4f}", str(evaluation.images))
    table.add_row("macro F1", "", "", f"{evaluation.macro_f1:.4f}", "")
    table.add_row("calibration error", "", "", f"{evaluation.expected_calibration_error:.4f}", "")
    table.add_row("unsure", "", "", f"{evaluation.unsure_share:.4f}", "")
    table.add_row("out of scope", "", "", f"{evaluation.refused_share:.4f}", "")
    for group in evaluation.negatives:
        table.add_row(f"negatives: {group.group}, AUROC", "", "", f"{group.auroc:.4f}", str(group.images))
        table.add_row(f"negatives: {group.group}, out of scope", "", "", f"{group.refused_share:.4f}", "")
    return table


def _begin(bar: Progress, text: str) -> TaskID:
    """Begins a task of unknown length. Where there is no terminal, and so no bar, it prints the task's name."""
    if not NOTES.is_terminal:
        NOTES.print(f"{escape(text)} ...")
    return bar.add_task(text, total=None, left="")


def _progress_bar(*columns: ProgressColumn) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), *columns)
    return Progress(*columns, console=NOTES, transient=True, disable=not NOTES.is_terminal)


@contextmanager
def native_messages_hidden() -> Iterator[None]:
    """Hides messages that TensorFlow's C++ code writes to stderr while it is loaded, before any setting applies."""
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
