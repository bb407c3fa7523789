"""The training loop, for the dense layers alone and for the whole network.

Keras' `fit` ends with the same weights after the same time. Loop and checkpoint are our own because its callback
BackupAndRestore does not resume a run identically (weights differed by 0.015) and because it hides the errors of the
training examples behind TensorFlow's.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from trainer.progress import EpochProgress
from trainer.training.checkpoint import Checkpoint, Metrics

Floats = NDArray[np.float32]
Batch = tuple[Floats, Floats]
"""Inputs of shape [n, ...] and targets of shape [n, classes], whose rows sum to 1. A committee's targets have the shape
[n, heads, classes], and rows of zeros for what a head does not learn."""

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

    def wait(self, text: str) -> None:
        """Tells what the time until the next stage, or the end, is spent on."""
        self._progress.wait(text)

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


def compile_classifier(model: keras.Model, classes: int, optimizer: keras.optimizers.Optimizer | None = None) -> None:
    """Compiles a model whose outputs are logits, with categorical cross-entropy; without optimizer for testing only.

    A model may be a committee (trainer.training.committee). Its heads learn at the same time, each as it would alone;
    figures are those of the first head.

    Args:
        classes: number of the data set's classes, which come first. Accuracy counts only them: an example whose target
            is an auxiliary class is not counted, nor does an auxiliary class compete for a picture of a class.
    """

    def known(targets: Any, _: Any) -> Any:
        """Returns 1 for each example of a class and 0 for each other one, shape [n]."""
        return ops.cast(ops.argmax(_of_first(targets), axis=-1) < classes, "float32")

    def right(targets: Any, logits: Any) -> Any:
        """Returns 1 for each example of a class that has the highest logit of all classes, and 0 otherwise."""
        best = ops.argmax(_of_first(logits)[:, :classes], axis=-1)
        return ops.cast(ops.argmax(_of_first(targets), axis=-1) == best, "float32")

    model.compile(optimizer or keras.optimizers.SGD(), _loss, metrics=[_loss_of_first, known, right])


def _loss(targets: Any, logits: Any) -> Any:
    # Not ops.categorical_crossentropy, whose gradient in TensorFlow takes for granted that targets sum to 1.
    losses = -ops.sum(targets * ops.log_softmax(logits, axis=-1), axis=-1)
    return losses if len(losses.shape) == 1 else ops.sum(losses, axis=-1)


def _loss_of_first(targets: Any, logits: Any) -> Any:
    return _loss(_of_first(targets), _of_first(logits))


def _of_first(rows: Any) -> Any:
    """Returns the rows of a committee's first head, or of the only one, shape [n, classes]."""
    return rows if len(rows.shape) == 2 else rows[:, 0]


def train_on(model: keras.Model, batches: Iterable[Batch]) -> dict[str, float]:
    """Trains on all batches; returns the mean loss of their examples, and the accuracy of those of a class."""
    mean = _WeightedMean()
    for inputs, targets in batches:
        mean.add(model.train_on_batch(inputs, targets, return_dict=True), len(inputs))
    return mean.metrics()


def validate_on(model: keras.Model, batches: Iterable[Batch]) -> dict[str, float]:
    """Returns mean loss and accuracy of all pictures as val_loss and val_accuracy, or nothing for no pictures."""
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
        """Returns loss and accuracy, as far as there were examples of any kind and of a class."""
        found = {"loss": self._sums[_loss_of_first.__name__] / self._count} if self._count else {}
        return {**found, "accuracy": self._sums["right"] / self._sums["known"]} if self._sums["known"] else found


def one_hot(targets: NDArray[np.int64], classes: int) -> Floats:
    """Turns class indices of shape [n] into target rows of shape [n, classes]."""
    rows: Floats = np.eye(classes, dtype=np.float32)[targets]
    return rows
