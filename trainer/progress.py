"""What long work tells to whoever watches: the progress bar, MLflow, a test."""

from collections.abc import Callable, Mapping
from typing import Protocol

OnProgress = Callable[[int, int], None]
"""Is told how many pictures of how many are done."""


class Watch(Protocol):
    """Follows training stages. All methods return quickly."""

    def begin(self, stage: str, epochs: int, pictures: int) -> None:
        """A stage starts; each of its epochs sees this many pictures."""

    def advance(self, pictures: int) -> None:
        """So many more pictures were seen."""

    def epoch_done(self, metrics: Mapping[str, float]) -> None:
        """An epoch of the stage ended with these figures: loss, accuracy, val_loss, val_accuracy."""
