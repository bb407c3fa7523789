"""Passes over batches, for whatever Keras model. Shared by the head alone and by the whole network."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from trainer.data.dataset import NO_CLASS
from trainer.tracking.progress import Watch
from trainer.training.checkpoint import Checkpoint

Floats = NDArray[np.float32]
Batch = tuple[Floats, Floats]
"""Inputs of shape [n, ...] and targets of shape [n, classes], rows of which sum to 1."""

CURVE_SAMPLE = 2000
"""Validation pictures behind the curves: enough for a curve, and a limit to time and to what is kept in memory."""


@dataclass(frozen=True)
class Stage:
    """So many epochs of the same kind."""

    name: str
    epochs: int
    lessons: int
    """Pictures of an epoch."""
    training: Callable[[int], Iterable[Batch]]
    """The batches of an epoch, from its number."""
    validation: Callable[[], Iterable[Batch]]


def train_stage(model: keras.Model, stage: Stage, watch: Watch, checkpoint: Checkpoint | None = None) -> None:
    """Trains a compiled model; it ends with the mean of its last weights where its optimizer keeps that.

    Args:
        checkpoint: where to go on from and what to keep up to date.
    """
    watch.begin(stage.name, stage.epochs, stage.lessons)
    finished = checkpoint.restore(model) if checkpoint else ()
    for figures in finished:
        watch.advance(stage.lessons)
        watch.epoch_done(figures)
    for epoch in range(len(finished), stage.epochs):
        figures = train_on(model, stage.training(epoch), watch)
        if epoch == stage.epochs - 1:
            model.optimizer.finalize_variable_values(model.trainable_variables)
        figures = {**figures, **validate_on(model, stage.validation())}
        watch.epoch_done(figures)
        if checkpoint:
            checkpoint.save(model, figures)


def compile_classifier(model: keras.Model, optimizer: keras.optimizers.Optimizer, label_smoothing: float) -> None:
    """Categorical cross-entropy on logits."""
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=label_smoothing)
    model.compile(optimizer, loss, metrics=["accuracy"])


def train_on(model: keras.Model, batches: Iterable[Batch], watch: Watch) -> dict[str, float]:
    """Trains on all batches; returns the mean loss and accuracy over their pictures."""
    mean = _Mean()
    for inputs, targets in batches:
        mean.add(model.train_on_batch(inputs, targets, return_dict=True), len(inputs))
        watch.advance(len(inputs))
    return mean.figures()


def validate_on(model: keras.Model, batches: Iterable[Batch]) -> dict[str, float]:
    """The mean loss and accuracy over all pictures, named val_loss and val_accuracy. Empty when there are none."""
    mean = _Mean()
    for inputs, targets in batches:
        mean.add(model.test_on_batch(inputs, targets, return_dict=True), len(inputs))
    return {f"val_{name}": value for name, value in mean.figures().items()}


class _Mean:
    """Keras gives the figures of one batch; batches differ in size."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = defaultdict(float)
        self._count = 0

    def add(self, figures: Mapping[str, float], count: int) -> None:
        for name, value in figures.items():
            self._sums[name] += float(value) * count
        self._count += count

    def figures(self) -> dict[str, float]:
        return {name: total / self._count for name, total in self._sums.items()}


def one_hot(targets: NDArray[np.int64], classes: int) -> Floats:
    """Class indices of shape [n] as rows of shape [n, classes].

    The row of a picture of no class says that each is as likely as the others: learning it keeps the network from being
    sure of what it doesn't know (outlier exposure, Hendrycks et al., 2019, arXiv:1812.04606).
    """
    rows: Floats = np.eye(classes, dtype=np.float32)[targets]
    rows[targets == NO_CLASS] = 1 / classes
    return rows
