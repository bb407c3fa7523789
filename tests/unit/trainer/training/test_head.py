"""The dense layers on a frozen backbone."""

import keras
import numpy as np
import pytest

from tests.support.trainer.shapes import write_parts
from tests.support.trainer.training import RecordedProgress, load, small_context
from trainer.data.dataset import Dataset
from trainer.network.backbone import BACKBONE, FEATURES
from trainer.training.examples import collect_examples
from trainer.training.head import train_head
from trainer.training.learning import TrainingLoop
from trainer.training.recipe import HeadStage, Recipe
from trainer.training.remembered_negatives import NegativeFeatures

RECIPE = Recipe(HeadStage(epochs=2, units=16, batch_size=8))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return load(write_parts(tmp_path_factory.mktemp("shapes"), 12, 2))


def train(
    classifier: keras.Model, dataset: Dataset, seed: int, workers: int
) -> tuple[list[np.ndarray], RecordedProgress]:
    keras.utils.set_random_seed(seed)
    context, progress = small_context(dataset, RECIPE, seed, workers), RecordedProgress()
    backbone = classifier.get_layer(BACKBONE)
    head = train_head(context, TrainingLoop(progress), backbone, collect_examples(context, backbone))
    return head.get_weights(), progress


def test_every_epoch_shows_every_picture_and_the_backbone_does_not_change(
    classifier: keras.Model, dataset: Dataset
) -> None:
    before = classifier.get_layer(BACKBONE).get_weights()
    weights, progress = train(classifier, dataset, seed=0, workers=2)
    assert progress.stages == [("head", 2, 2 * len(dataset.train))]
    assert progress.effort == 2 * len(dataset.train)
    assert [set(epoch) for epoch in progress.metrics] == [{"loss", "accuracy", "val_loss", "val_accuracy"}] * 2
    assert weights[-1].shape == (3,)
    after = classifier.get_layer(BACKBONE).get_weights()
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


def test_every_epoch_shows_the_remembered_negatives(classifier: keras.Model, dataset: Dataset) -> None:
    """Their features are far from those of all shapes, so that a head without them takes them for a shape."""
    keras.utils.set_random_seed(0)
    features = np.random.default_rng(3).uniform(0, 2, (40, FEATURES)).astype(np.float32)
    negatives = NegativeFeatures(features, np.array(["0" * 16] * 40), np.array(["home/noise"] * 40))
    context, progress, backbone = small_context(dataset, RECIPE), RecordedProgress(), classifier.get_layer(BACKBONE)
    examples = collect_examples(context, backbone, negatives)
    head = train_head(context, TrainingLoop(progress), backbone, examples)
    assert progress.effort == 2 * (len(dataset.train) + 40 + 4)  # and a tenth as many synthetic ones
    assert head.output_shape == (None, 3)
    assert (negatives.logits(head).logits < -1).all()  # relative to the auxiliary classes


def test_a_seed_gives_the_same_head_with_any_number_of_threads(classifier: keras.Model, dataset: Dataset) -> None:
    one, _ = train(classifier, dataset, seed=1, workers=1)
    same, _ = train(classifier, dataset, seed=1, workers=3)
    other, _ = train(classifier, dataset, seed=2, workers=3)
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(one, same, strict=True))
    assert not np.allclose(one[0], other[0], atol=1e-5)
