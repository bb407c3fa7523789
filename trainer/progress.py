"""How long-running work reports its progress. trainer.cli.console shows it in the terminal."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

OnProgress = Callable[[int, int], None]
"""Receives how many pictures are done and how many there are."""


class EpochProgress(Protocol):
    """Follows the epochs of training stages. All methods return quickly."""

    def wait(self, text: str) -> None:
        """Tells what the time until the next stage, or the end, is spent on: "Preparing the backbone"."""

    def begin(self, stage: str, epochs: int, effort: float, done: float) -> None:
        """Announces a stage and the effort that all its epochs take, in any unit.

        Args:
            done: effort of the epochs that an interrupted run has finished.
        """

    def advance(self, effort: float) -> None:
        """Adds effort that was made."""

    def epoch_done(self, metrics: Mapping[str, float]) -> None:
        """Reports the metrics of a finished epoch: loss, accuracy, val_loss, val_accuracy."""


class Progress(Protocol):
    """Follows a whole run."""

    def note(self, text: str) -> None:
        """Tells something that people should know."""

    def warn(self, text: str) -> None:
        """Tells something that people should look into."""

    def counting(self, text: str) -> AbstractContextManager[OnProgress]:
        """Follows one piece of work over pictures; yields the callback to report to."""

    def waiting(self, text: str) -> AbstractContextManager[None]:
        """Follows one piece of work that can't be counted, such as "Exporting"."""

    def epochs(self) -> AbstractContextManager[EpochProgress]:
        """Follows the epochs of all stages."""
