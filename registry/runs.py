"""A training run as MLflow keeps it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Curve = Sequence[tuple[float, float]]
"""For each epoch of a run, in order: when it ended (seconds since 1970) and the figure."""


@dataclass(frozen=True)
class RunRecord:
    """A run as MLflow keeps it."""

    parameters: Mapping[str, str]
    started: float
    """Seconds since 1970."""
    photos: int
    """Training photos that each epoch shows; negatives are not counted."""
    curves: Mapping[str, Curve]
    """By the metric's name, such as val_loss."""
