"""What people see in the terminal: progress, tables, errors. Results go to stdout, everything else to stderr."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from trainer.data.dataset import Dataset, Overlap, Unreadable
from trainer.evaluation.figures import Evaluation
from trainer.tracking.progress import OnProgress

RESULTS = Console(soft_wrap=True, highlight=False)
NOTES = Console(stderr=True, soft_wrap=True, highlight=False)


@contextmanager
def counting(text: str) -> Iterator[OnProgress]:
    """A progress bar for one piece of work; yields what is to be told (done, total)."""
    with _bar() as progress:
        yield partial(_show, progress, progress.add_task(text, total=None))


class EpochProgress:
    """A progress bar and a line for each epoch of training stages. A trainer.tracking.progress.Watch."""

    def __init__(self) -> None:
        self._progress = _bar()
        self._task: TaskID | None = None
        self._stage, self._epoch, self._epochs = "", 0, 0

    def __enter__(self) -> "EpochProgress":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def begin(self, stage: str, epochs: int, pictures: int) -> None:
        self._stage, self._epoch, self._epochs = stage, 0, epochs
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(f"Training {stage}", total=epochs * pictures)

    def advance(self, pictures: int) -> None:
        if self._task is not None:
            self._progress.advance(self._task, pictures)

    def epoch_done(self, metrics: Mapping[str, float]) -> None:
        self._epoch += 1
        figures = "  ".join(f"{name} {value:.3f}" for name, value in metrics.items())
        self._progress.console.print(f"{self._stage} {self._epoch}/{self._epochs}  {figures}")


def announce(dataset: Dataset) -> None:
    """Tells what will be trained on, and what was left out."""
    NOTES.print(
        f"{len(dataset.labels)} classes, {len(dataset.train)} pictures to train on, {len(dataset.validation)} "
        f"to validate, {len(dataset.test)} to test; {len(dataset.negatives)} negatives to train on, "
        f"{len(dataset.validation_negatives)} to validate."
    )
    warn_of_overlap(dataset.overlap)
    warn_of_unreadable(dataset.unreadable)


def warn_of_overlap(overlap: Sequence[Overlap]) -> None:
    """Counts the test pictures that were left out because a training picture shows the same photo, and names some."""
    if overlap:
        names = ", ".join(f"{pair.test.short_name} (as {pair.train.short_name})" for pair in overlap[:3])
        more = f" and {len(overlap) - 3} more" if len(overlap) > 3 else ""
        NOTES.print(
            f"[yellow]{len(overlap)} test pictures show the same photo as a training picture and are left out of the "
            f"score:[/] {escape(names)}{more}."
        )


def announce_memory(lessons: int, validation: int, forgotten: bool) -> None:
    """Tells what the version that is trained on remembers of negatives that there are no pictures of."""
    if not lessons + validation:
        return
    counts = f"{lessons} views to train on and {validation} pictures to validate"
    if forgotten:
        NOTES.print(
            f"[yellow]Remembered negatives are lost ({counts}):[/] fine-tuning changes the features that they are "
            "remembered by. Name pictures of none of the classes with --negatives."
        )
    else:
        NOTES.print(f"Remembered negatives: {counts}.")


def warn_of_unreadable(files: Sequence[Unreadable]) -> None:
    """Names the files that were left out."""
    if files:
        NOTES.print(f"[yellow]{len(files)} files could not be read and are left out:[/]")
    for file in files:
        NOTES.print(f"  {escape(str(file.path))}: {escape(file.reason)}")


def evaluation_table(evaluation: Evaluation, title: str) -> Table:
    """Figures over all pictures in the title, and those of each class that has pictures."""
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


def _show(progress: Progress, task: TaskID, done: int, total: int) -> None:
    progress.update(task, completed=done, total=total)


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=NOTES, transient=True, disable=not NOTES.is_terminal)


@contextmanager
def native_messages_hidden() -> Iterator[None]:
    """Hides what TensorFlow's C++ parts write to stderr while they load; no setting reaches them that early."""
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
