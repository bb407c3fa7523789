"""Records of training runs in MLflow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Curve = Sequence[tuple[float, float]]
"""For each epoch, in order: the time when it ended (seconds since 1970) and the metric's value."""


@dataclass(frozen=True)
class RunRecord:
    """A training run as MLflow stores it."""

    parameters: Mapping[str, str]
    started: float
    """Start of the run, in seconds since 1970."""
    photos: int
    """Training photos in each epoch, without negatives."""
    curves: Mapping[str, Curve]
    """Curves by the metric's name, such as val_loss."""
