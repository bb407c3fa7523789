"""Epochs of training and validation."""

import keras
import numpy as np
import pytest

from tests.support.trainer.training import RecordedProgress
from trainer.training.learning import Batch, Stage, TrainingLoop, compile_classifier, one_hot, train_on, validate_on


def linear(rate: float) -> keras.Model:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, kernel_initializer="zeros")])
    compile_classifier(model, 2, keras.optimizers.SGD(rate))
    return model


def points(*signs: int) -> Batch:
    """Returns points left (class 0) or right (class 1) of the middle."""
    inputs = np.array([[sign, 1] for sign in signs], np.float32)
    return inputs, one_hot((np.array(signs) > 0).astype(np.int64), 2)


def test_training_learns() -> None:
    model = linear(rate=0.5)
    for _ in range(20):
        figures = train_on(model, [points(1, -1, 1), points(-1)])
    assert figures["accuracy"] == 1
    assert figures["loss"] < 0.2


def test_progress_counts_epochs_of_slower_examples_as_more_effort() -> None:
    progress = RecordedProgress()
    stage = Stage("all", 3, lambda _: [points(1, -1, 1), points(-1)], 4, dict, efforts=(1, 2, 3))
    TrainingLoop(progress).train(linear(rate=0.1), stage)
    assert progress.stages == [("all", 3, 4 * (1 + 2 + 3))]
    assert progress.effort == 4 * (1 + 2 + 3)
    assert [set(epoch) for epoch in progress.metrics] == [{"loss", "accuracy"}] * 3


def test_figures_are_means_over_pictures_not_batches() -> None:
    model = linear(rate=0.0)
    model.layers[0].set_weights([np.array([[-9, 9], [0, 0]], np.float32), np.zeros(2, np.float32)])
    wrong = (points(1)[0], points(-1)[1])
    figures = validate_on(model, [points(1, 1, -1), wrong])
    assert figures["val_accuracy"] == pytest.approx(0.75)
    assert figures["val_loss"] == pytest.approx(18 / 4, rel=1e-3)


def test_no_validation_pictures_give_no_figures() -> None:
    assert validate_on(linear(rate=0.0), []) == {}


def test_accuracy_counts_pictures_of_classes_and_their_logits_of_classes() -> None:
    """Of four pictures of the two classes three are right, one of them although the auxiliary class is above it."""
    logits = np.array([[2, 1, 0], [1, 2, 0], [2, 1, 5], [2, 1, 0], [2, 1, 0], [0, 0, 9]], np.float32)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Identity()])
    compile_classifier(model, classes=2)
    targets = one_hot(np.array([0, 1, 0, 1, 2, 2]), 3)
    batches = [(logits[:3], targets[:3]), (logits[3:], targets[3:])]
    assert validate_on(model, batches)["val_accuracy"] == pytest.approx(3 / 4)
    assert set(validate_on(model, [(logits[4:], targets[4:])])) == {"val_loss"}


def test_a_class_index_becomes_a_one_hot_row() -> None:
    assert one_hot(np.array([2, 0]), 3).tolist() == [[0, 0, 1], [1, 0, 0]]
