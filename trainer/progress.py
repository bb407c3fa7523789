"""How long-running work reports its progress. trainer.cli.console shows it in the terminal."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

OnProgress = Callable[[int, int], None]
"""Receives how many pictures are done and how many there are."""


class EpochProgress(Protocol):
    """Follows the epochs of training stages. All methods return quickly."""

    def begin(self, stage: str, epochs: int, examples: int) -> None:
        """Announces a stage and the number of training examples in each of its epochs."""

    def advance(self, examples: int) -> None:
        """Adds training examples that were processed."""

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

    def epochs(self) -> AbstractContextManager[EpochProgress]:
        """Follows the epochs of all stages."""
