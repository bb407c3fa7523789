"""The dense layers on a frozen backbone."""

import keras
import numpy as np
import pytest

from tests.unit.trainer.shapes import write_parts
from tests.unit.trainer.test_learning import Count
from trainer.backbone import BACKBONE
from trainer.dataset import Dataset, load_dataset
from trainer.head import train_head
from trainer.preprocessing import mobilenet_preprocessing
from trainer.recipe import HeadStage

STAGE = HeadStage(epochs=2, units=16, batch_size=8)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return load_dataset(write_parts(tmp_path_factory.mktemp("shapes"), 12, 2), [], [], 2, lambda done, total: None)


def train(classifier: keras.Model, dataset: Dataset, seed: int, workers: int) -> tuple[list[np.ndarray], Count]:
    keras.utils.set_random_seed(seed)
    watch = Count()
    spec = mobilenet_preprocessing(64)
    head = train_head(classifier.get_layer(BACKBONE), dataset, STAGE, spec, seed, workers, watch)
    return head.get_weights(), watch


def test_it_sees_every_picture_in_every_epoch_and_leaves_the_backbone_alone(
    classifier: keras.Model, dataset: Dataset
) -> None:
    before = classifier.get_layer(BACKBONE).get_weights()
    weights, watch = train(classifier, dataset, seed=0, workers=2)
    assert watch.stages == [("head", 2, len(dataset.train))]
    assert watch.seen == 2 * len(dataset.train)
    assert [set(epoch) for epoch in watch.epochs] == [{"loss", "accuracy", "val_loss", "val_accuracy"}] * 2
    assert weights[-1].shape == (3,)
    after = classifier.get_layer(BACKBONE).get_weights()
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


def test_a_seed_gives_the_same_head_whatever_the_threads(classifier: keras.Model, dataset: Dataset) -> None:
    one, _ = train(classifier, dataset, seed=1, workers=1)
    same, _ = train(classifier, dataset, seed=1, workers=3)
    other, _ = train(classifier, dataset, seed=2, workers=3)
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(one, same, strict=True))
    assert not np.allclose(one[0], other[0], atol=1e-5)
