"""Remembered negatives."""

from pathlib import Path

import keras
import numpy as np
import pytest

from engine.errors import ModelCorrupt
from tests.support.trainer.shapes import write_parts, write_shapes
from tests.support.trainer.training import load, small_context
from trainer.data.dataset import Dataset
from trainer.data.pictures import read_pixels
from trainer.data.preprocessing import mobilenet_preprocessing
from trainer.network.assembly import HEAD
from trainer.network.backbone import BACKBONE, FEATURES
from trainer.training.recipe import DEFAULT
from trainer.training.remembered_negatives import (
    MAX_NEGATIVES,
    NO_NEGATIVES,
    NegativeFeatures,
    RememberedNegatives,
    extract_negatives,
)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Two classes of shapes; the third shape is a negative."""
    folder = tmp_path_factory.mktemp("shapes")
    data = write_parts(folder / "data", 4, 2, ("blue_bar", "green_square"))
    none = write_shapes(folder / "none", 40, ("red_circle",), named={"red_circle": "whatever"})
    for path in sorted((none / "whatever").iterdir()):
        path.rename(path.with_name(f"Circle{path.name}"))
    return load(data, negatives=[none, none])


@pytest.fixture(scope="module")
def negatives(classifier: keras.Model, dataset: Dataset) -> RememberedNegatives:
    return extract_negatives(small_context(dataset, DEFAULT), classifier.get_layer(BACKBONE))


def features_of(count: int, first: int = 0) -> NegativeFeatures:
    numbers = range(first, first + count)
    features = np.random.default_rng(first).random((count, FEATURES), np.float32)
    return NegativeFeatures(features, np.array([f"{number:016x}" for number in numbers]), np.array(["a"] * count))


def test_each_part_holds_the_negatives_of_that_part(negatives: RememberedNegatives, dataset: Dataset) -> None:
    assert len(negatives.training) == len(dataset.negatives) > 40  # a folder that is named twice counts twice
    assert len(negatives.validation) == len(dataset.validation_negatives) > 0
    assert set(negatives.training.digests) == {picture.digest[:16] for picture in dataset.negatives}
    assert set(negatives.validation.kinds) == {"whatever/circle"}
    assert negatives.training.features.any(axis=1).all()


def test_logits_of_validation_negatives_are_those_of_the_whole_network(
    classifier: keras.Model, negatives: RememberedNegatives, dataset: Dataset
) -> None:
    spec = mobilenet_preprocessing(64)
    pixels = np.stack([read_pixels(picture.path, spec) for picture in dataset.validation_negatives])
    expected = np.asarray(classifier(pixels.astype(np.float32) / 127.5 - 1, training=False))
    found = negatives.validation.logits(classifier.get_layer(HEAD))
    assert found.logits == pytest.approx(expected, abs=1e-4)
    assert set(found.groups) == {"remembered_circle"}


def test_a_file_holds_what_was_written_up_to_rounding(negatives: RememberedNegatives, tmp_path: Path) -> None:
    negatives.write(tmp_path / "negatives.npz")
    found = RememberedNegatives.read(tmp_path / "negatives.npz")
    for part, same in ((negatives.training, found.training), (negatives.validation, found.validation)):
        assert same.features == pytest.approx(part.features, rel=1e-3, abs=1e-6)
        assert same.features.dtype == np.float32
        assert same.digests.tolist() == part.digests.tolist()
        assert same.kinds.tolist() == part.kinds.tolist()
    found.write(tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "negatives.npz").read_bytes()


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "negatives.npz"
    narrow = NegativeFeatures(np.zeros((2, 3), np.float32), features_of(2).digests, features_of(2).kinds)
    for spoil in (
        lambda: path.write_bytes(b"PK something"),
        lambda: np.savez(path, features=np.zeros(3)),
        lambda: RememberedNegatives(narrow, features_of(1)).write(path),
    ):
        spoil()
        with pytest.raises(ModelCorrupt, match="remembered negatives"):
            RememberedNegatives.read(path)


def test_negatives_with_a_picture_in_the_data_set_are_removed(negatives: RememberedNegatives, dataset: Dataset) -> None:
    other = RememberedNegatives(features_of(3), features_of(2))
    assert len(negatives.without(dataset)) == 0
    assert len(other.without(dataset)) == 5
    assert len(negatives.followed_by(other).without(dataset)) == 5
    assert negatives.followed_by(other).digest != negatives.digest == negatives.followed_by(NO_NEGATIVES).digest


def test_the_number_is_limited_and_the_first_ones_are_kept() -> None:
    both = features_of(3).followed_by(features_of(MAX_NEGATIVES, first=3))
    assert len(both) == MAX_NEGATIVES
    assert both.digests[:4].tolist() == [f"{number:016x}" for number in range(4)]


def test_a_data_set_without_negatives_gives_none(classifier: keras.Model, tmp_path: Path) -> None:
    dataset = load(write_parts(tmp_path, 2, 1))
    found = extract_negatives(small_context(dataset, DEFAULT), classifier.get_layer(BACKBONE))
    assert len(found) == len(NO_NEGATIVES) == 0
    assert len(found.validation.logits(classifier.get_layer(HEAD)).groups) == 0


def test_kinds_that_show_a_new_class_are_left_out_of_both_parts() -> None:
    axes = np.eye(FEATURES, dtype=np.float32)
    digests, kinds = np.array(["1", "2"]), np.array(["shop/rose", "shop/clock"])
    both = RememberedNegatives(NegativeFeatures(axes[:2], digests, kinds), NegativeFeatures(axes[2:4], digests, kinds))
    found = both.that_show_none_of(["rose"], [axes[10:14] + 1])  # pictures that are alike
    assert found.training.kinds.tolist() == found.validation.kinds.tolist() == ["shop/clock"]
    assert found.training.features.tolist() == axes[1:2].tolist()
    assert found.validation.digests.tolist() == ["2"]
