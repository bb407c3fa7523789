"""What a run learns from."""

import keras
import numpy as np
import pytest

from tests.support.trainer.shapes import shape, write_parts, write_shapes
from tests.support.trainer.training import load, small_context
from trainer.data.dataset import class_indices
from trainer.network.backbone import BACKBONE, FEATURES
from trainer.training.context import RunContext
from trainer.training.examples import MAX_REPEATS, SYNTHETIC, Examples, collect_examples
from trainer.training.recipe import DEFAULT
from trainer.training.remembered_negatives import NO_NEGATIVES, NegativeFeatures
from trainer.views.album import SYNTHETIC as NO_PICTURE

LABELS = ("blue_bar", "green_square")


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> RunContext:
    folder = tmp_path_factory.mktemp("shapes")
    none = write_shapes(folder / "none", 20, ("red_circle",), named={"red_circle": "toys"})
    for number in range(12):  # too few of each kind
        shape("red_circle", 100 + number).save(none / "toys" / f"{'abcd'[number % 4]}_{number}.png")
    return small_context(load(write_parts(folder / "data", 8, 2, LABELS), negatives=[none]), DEFAULT)


def test_every_kind_of_negative_becomes_a_class(context: RunContext, classifier: keras.Model) -> None:
    found = collect_examples(context, classifier.get_layer(BACKBONE))
    assert found.labels == list(LABELS)
    assert found.auxiliary == ["toys/*", "toys/others", SYNTHETIC]
    assert found.classes == 5
    assert len(found.targets) == len(found.pictures)
    for picture, target in zip(found.pictures, found.targets, strict=True):
        name = picture.label or ("toys/others" if picture.path.stem.isdecimal() else "toys/*")
        assert [*found.labels, *found.auxiliary][target] == name
    negatives = len(context.dataset.negatives)
    views = found.album(lambda _: pytest.fail("nothing is opened yet")).views((0,))
    synthetic = [view for view in views if view.picture == NO_PICTURE]
    assert len(synthetic) == -(-negatives // 10)
    assert {view.target for view in synthetic} == {4}


@pytest.mark.parametrize(("remembered", "times"), [(0, 1), (40, 2), (500, MAX_REPEATS)])
def test_classes_that_negatives_outnumber_are_shown_more_often(
    classifier: keras.Model, tmp_path_factory: pytest.TempPathFactory, remembered: int, times: int
) -> None:
    dataset = load(write_parts(tmp_path_factory.mktemp("shapes"), 8, 2))
    features = np.random.default_rng(1).random((remembered, FEATURES), np.float32)
    negatives = NegativeFeatures(features, np.array(["0" * 16] * remembered), np.array(["home/dog"] * remembered))
    found = collect_examples(small_context(dataset, DEFAULT), classifier.get_layer(BACKBONE), negatives)
    assert found.pictures == [*dataset.train] * times
    assert found.targets.tolist() == class_indices(dataset.train, found.labels).tolist() * times


def test_remembered_negatives_share_classes_with_pictures(context: RunContext, classifier: keras.Model) -> None:
    kinds = np.array(["toys/others"] * 3 + ["home/dog"] * 9 + ["animal"] * 8)
    features = np.random.default_rng(1).random((20, FEATURES), np.float32)
    remembered = NegativeFeatures(features, np.array(["0" * 16] * 20), kinds)
    found = collect_examples(context, classifier.get_layer(BACKBONE), remembered)
    assert found.auxiliary == ["animal", "home/dog", "toys/*", "toys/others", SYNTHETIC]
    assert found.remembered_targets.tolist() == [5] * 3 + [3] * 9 + [2] * 8


def test_a_folder_that_is_named_twice_does_not_make_a_kind_large(
    classifier: keras.Model, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("shapes")
    none = write_shapes(folder / "none", 7, ("red_circle",))
    (none / "red_circle").rename(none / "toys")
    for number in range(7):
        (none / "toys" / f"{number}.png").rename(none / "toys" / f"ball_{number}.png")
    dataset = load(write_parts(folder / "data", 2, 1, LABELS), negatives=[none, none])
    found = collect_examples(small_context(dataset, DEFAULT), classifier.get_layer(BACKBONE))
    assert found.auxiliary == ["toys/*", SYNTHETIC]
    assert (found.targets[-len(dataset.negatives) :] == 2).all()


def test_a_large_kind_is_divided_by_its_features(context: RunContext, classifier: keras.Model) -> None:
    random = np.random.default_rng(1)
    features = np.repeat(random.random((2, FEATURES), np.float32), 60, axis=0)
    remembered = NegativeFeatures(features, np.array(["0" * 16] * 120), np.array(["toys/others"] * 120))
    found = collect_examples(context, classifier.get_layer(BACKBONE), remembered)
    assert [kind for kind in found.auxiliary if kind.startswith("toys/others")] == ["toys/others 1", "toys/others 2"]
    assert len(set(found.remembered_targets[:60])) == len(set(found.remembered_targets[60:])) == 1
    assert found.remembered_targets[0] != found.remembered_targets[-1]


def test_without_negatives_there_are_no_auxiliary_classes(
    classifier: keras.Model, tmp_path_factory: pytest.TempPathFactory
) -> None:
    dataset = load(write_parts(tmp_path_factory.mktemp("shapes"), 4, 2))
    found = collect_examples(small_context(dataset, DEFAULT), classifier.get_layer(BACKBONE))
    assert (found.auxiliary, found.classes) == ([], 3)
    assert len(found.album(lambda _: pytest.fail("nothing is opened yet"))) == len(dataset.train)


def test_label_smoothing_stays_among_the_classes_or_among_the_auxiliary_ones() -> None:
    found = Examples((), np.zeros(0), NO_NEGATIVES.training, np.zeros(0), ["a", "b"], ["x", "y", "z", SYNTHETIC])
    rows = found.rows(np.array([1, 2]), smoothing=0.2)
    assert rows.dtype == np.float32
    assert rows.tolist() == [
        pytest.approx([0.1, 0.9, 0, 0, 0, 0]),
        pytest.approx([0, 0, 0.85, 0.05, 0.05, 0.05]),
    ]
