"""The training loop, for the dense layers alone and for the whole network.

Keras' `fit` ends with the same weights after the same time. Loop and checkpoint are our own because its callback
BackupAndRestore does not resume a run identically (weights differed by 0.015) and because it hides the errors of the
training examples behind TensorFlow's.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from trainer.progress import EpochProgress
from trainer.training.checkpoint import Checkpoint, Metrics

Floats = NDArray[np.float32]
Batch = tuple[Floats, Floats]
"""Inputs of shape [n, ...] and targets of shape [n, classes], whose rows sum to 1."""

MAX_CURVE_PICTURES = 2000
"""Validation pictures that the curves are computed on; the limit bounds time and memory."""


@dataclass(frozen=True)
class Stage:
    """A number of epochs that share an optimizer."""

    name: str
    epochs: int
    training: Callable[[int], Iterable[Batch]]
    """Returns the batches of an epoch, given its number from 0."""
    examples: int
    """Training examples of an epoch."""
    validation: Callable[[], Metrics]
    """Returns the metrics of the validation pictures; nothing where there are none."""
    efforts: Sequence[float] = ()
    """How long an example takes in each epoch, in any unit, to foretell the time left; empty where all are alike."""


class TrainingLoop:
    """Runs the stages of a training run one after another."""

    def __init__(self, progress: EpochProgress, checkpoint: Checkpoint | None = None) -> None:
        """Reports to `progress`; resumes from `checkpoint` and saves each epoch there."""
        self._progress = progress
        self._checkpoint = checkpoint

    def train(self, model: keras.Model, stage: Stage) -> None:
        """Trains a compiled model. If its optimizer averages weights, the model ends with the average."""
        efforts = stage.efforts or [1.0] * stage.epochs
        finished = self._checkpoint.restore(model) if self._checkpoint else ()
        done = stage.examples * sum(efforts[: len(finished)])
        self._progress.begin(stage.name, stage.epochs, stage.examples * sum(efforts), done)
        for metrics in finished:
            self._progress.epoch_done(metrics)
        for epoch in range(len(finished), stage.epochs):
            batches = self._counted(stage.training(epoch), efforts[epoch])
            metrics = train_on(model, batches)
            if epoch == stage.epochs - 1:
                model.optimizer.finalize_variable_values(model.trainable_variables)
            metrics = {**metrics, **stage.validation()}
            self._progress.epoch_done(metrics)
            if self._checkpoint:
                self._checkpoint.save(model, metrics)

    def _counted(self, batches: Iterable[Batch], effort: float) -> Iterator[Batch]:
        for batch in batches:
            yield batch
            self._progress.advance(effort * len(batch[0]))


def compile_classifier(model: keras.Model, optimizer: keras.optimizers.Optimizer | None = None) -> None:
    """Compiles a model whose outputs are logits, with categorical cross-entropy; without optimizer for testing only."""
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(optimizer or keras.optimizers.SGD(), loss, metrics=["accuracy"])


def train_on(model: keras.Model, batches: Iterable[Batch]) -> dict[str, float]:
    """Trains on all batches; returns mean loss and accuracy over their examples."""
    mean = _WeightedMean()
    for inputs, targets in batches:
        mean.add(model.train_on_batch(inputs, targets, return_dict=True), len(inputs))
    return mean.metrics()


def validate_on(model: keras.Model, batches: Iterable[Batch]) -> dict[str, float]:
    """Returns mean loss and accuracy over all pictures as val_loss and val_accuracy, or nothing for no pictures."""
    mean = _WeightedMean()
    for inputs, targets in batches:
        mean.add(model.test_on_batch(inputs, targets, return_dict=True), len(inputs))
    return {f"val_{name}": value for name, value in mean.metrics().items()}


class _WeightedMean:
    """Averages the metrics of batches of different sizes."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = defaultdict(float)
        self._count = 0

    def add(self, metrics: Mapping[str, float], count: int) -> None:
        for name, value in metrics.items():
            self._sums[name] += float(value) * count
        self._count += count

    def metrics(self) -> dict[str, float]:
        return {name: total / self._count for name, total in self._sums.items()}


def one_hot(targets: NDArray[np.int64], classes: int) -> Floats:
    """Turns class indices of shape [n] into target rows of shape [n, classes]."""
    rows: Floats = np.eye(classes, dtype=np.float32)[targets]
    return rows
