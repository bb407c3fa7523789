"""The dense layers on a frozen backbone."""

import keras
import numpy as np
import pytest

from engine.model.verdict import probabilities
from tests.support.shapes import write_parts
from tests.unit.trainer.training.test_learning import Count
from trainer.data.dataset import Dataset, load_dataset
from trainer.data.preprocessing import mobilenet_preprocessing
from trainer.network.backbone import BACKBONE, FEATURES
from trainer.training.head import train_head
from trainer.training.recipe import HeadStage
from trainer.training.remembered import NOTHING, Rows

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


def test_remembered_negatives_are_learned_in_every_epoch(classifier: keras.Model, dataset: Dataset) -> None:
    """Rows far from all shapes: the head is sure of them unless it was shown them."""
    features = np.random.default_rng(3).uniform(0, 2, (40, FEATURES)).astype(np.float32)
    rows = Rows(features, np.array(["0" * 16] * 40), np.array(["noise"] * 40))
    spec, surest = mobilenet_preprocessing(64), []
    for remembered in (NOTHING.lessons, rows):
        keras.utils.set_random_seed(0)
        watch = Count()
        head = train_head(classifier.get_layer(BACKBONE), dataset, STAGE, spec, 0, 2, watch, remembered)
        assert watch.seen == 2 * (len(dataset.train) + len(remembered))
        surest.append(probabilities(rows.answers(head).logits, 1).max(axis=1).mean())
    assert surest[1] < surest[0] - 0.1


def test_a_seed_gives_the_same_head_whatever_the_threads(classifier: keras.Model, dataset: Dataset) -> None:
    one, _ = train(classifier, dataset, seed=1, workers=1)
    same, _ = train(classifier, dataset, seed=1, workers=3)
    other, _ = train(classifier, dataset, seed=2, workers=3)
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(one, same, strict=True))
    assert not np.allclose(one[0], other[0], atol=1e-5)
