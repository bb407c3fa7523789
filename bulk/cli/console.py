"""Output in the terminal. Results go to stdout, everything else to stderr."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bulk.estimate import Estimate
from bulk.run import Summary

# Names of files may look like Rich's markup or emoji codes. Results have neither; what is inserted in notes is escaped.
RESULTS = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
NOTES = Console(stderr=True, soft_wrap=True, highlight=False, emoji=False)

LINE_SECONDS = 30.0
"""Interval of lines about progress where there is no terminal."""


class ConsoleWatcher:
    """Shows a bar with rate, errors and time left; lines now and then where there is no terminal.

    Implements bulk.run.Watcher.
    """

    @contextmanager
    def listing(self) -> Iterator[None]:
        with NOTES.status("Listing photos ...") if NOTES.is_terminal else _nothing():
            yield

    @contextmanager
    def classifying(self, total: int, before: int) -> Iterator[Callable[[int, int], None]]:
        if before:
            NOTES.print(f"{before:,} of {total:,} photos are classified already.")
        begun = line_at = time.monotonic()
        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[speed]}"), TimeRemainingColumn())
        with Progress(*columns, console=NOTES, transient=True, disable=not NOTES.is_terminal) as bar:
            task = bar.add_task("", total=total, completed=before, speed="")

            def report(done: int, errors: int) -> None:
                nonlocal line_at
                now = time.monotonic()
                speed = f"{done / max(now - begun, 0.1):.0f}/s, {errors:,} errors"
                bar.update(task, completed=before + done, speed=speed)
                if not NOTES.is_terminal and now - line_at >= LINE_SECONDS:
                    line_at = now
                    left = (total - before - done) * (now - begun) / max(done, 1)
                    NOTES.print(f"{before + done:,} of {total:,} photos, {speed}, {duration(left)} left")

            yield report


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def show_summary(summary: Summary) -> None:
    """Prints what a run has found, and where."""
    for verdict, count in sorted(summary.verdicts.items()):
        classes = ", ".join(f"{label} {number:,}" for label, number in summary.labels.most_common())
        RESULTS.print(f"{count:>9,} {verdict}" + (f": {classes}" if verdict == "RECOGNISED" else ""))
    for reason, count in summary.errors.most_common():
        RESULTS.print(f"{count:>9,} {reason}")
    if summary.sorted is not None:
        RESULTS.print(f"{summary.sorted:,} photos are sorted into folders.")
    RESULTS.print(f"Results: {summary.results}")


def show_estimate(found: Estimate, workers: int) -> None:
    """Prints what a run would do."""
    RESULTS.print(f"{found.photos:,} photos, about {found.bytes / 1e6:,.0f} MB")
    RESULTS.print(f"About {duration(found.seconds)} with {workers} processes here; {found.sample} photos were tried.")
    for reason, count in found.errors.most_common():
        RESULTS.print(f"{count} of these {found.sample} would get {reason}.")


def show_error(reason: str, message: str) -> None:
    """Prints why a command ends."""
    NOTES.print(f"[bold red]{reason}[/] {escape(message)}")


def duration(seconds: float) -> str:
    """Returns a duration for people."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
