"""What is remembered of negatives."""

from pathlib import Path

import keras
import numpy as np
import pytest

from engine.errors import ModelCorrupt
from tests.support.shapes import write_parts, write_shapes
from trainer.data.augment import GENTLE
from trainer.data.dataset import Dataset, load_dataset
from trainer.data.pictures import read_pixels
from trainer.data.preprocessing import mobilenet_preprocessing
from trainer.network.assembly import HEAD
from trainer.network.backbone import BACKBONE, FEATURES
from trainer.training.remembered import MOST_ROWS, NOTHING, Memory, Rows, fits, remember


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Two classes of shapes; the third is none of them."""
    folder = tmp_path_factory.mktemp("shapes")
    data = write_parts(folder / "data", 4, 2, ("blue_bar", "green_square"))
    none = write_shapes(folder / "none", 40, ("red_circle",), named={"red_circle": "whatever"})
    for path in sorted((none / "whatever").iterdir()):
        path.rename(path.with_name(f"Circle{path.name}"))
    return load_dataset(data, [], [none, none], 2, lambda done, total: None)


@pytest.fixture(scope="module")
def memory(classifier: keras.Model, dataset: Dataset) -> Memory:
    return remember(classifier.get_layer(BACKBONE), dataset, mobilenet_preprocessing(64), GENTLE, (0, 0, 5), 2)


def rows(count: int, first: int = 0) -> Rows:
    numbers = range(first, first + count)
    features = np.random.default_rng(first).random((count, FEATURES), np.float32)
    return Rows(features, np.array([f"{number:016x}" for number in numbers]), np.array(["a"] * count))


def test_each_part_remembers_its_own_negatives(memory: Memory, dataset: Dataset) -> None:
    assert len(memory.lessons) == len(dataset.negatives) > 40  # a folder that is named twice counts twice
    assert len(memory.validation) == len(dataset.validation_negatives) > 0
    assert set(memory.lessons.digests) == {picture.digest[:16] for picture in dataset.negatives}
    assert set(memory.validation.groups) == {"circle"}
    assert memory.lessons.features.any(axis=1).all()


def test_whole_pictures_are_answered_as_the_whole_network_answers_them(
    classifier: keras.Model, memory: Memory, dataset: Dataset
) -> None:
    spec = mobilenet_preprocessing(64)
    pixels = np.stack([read_pixels(picture.path, spec) for picture in dataset.validation_negatives])
    expected = np.asarray(classifier(pixels.astype(np.float32) / 127.5 - 1, training=False))
    recalled = memory.validation.answers(classifier.get_layer(HEAD))
    assert recalled.logits == pytest.approx(expected, abs=1e-4)
    assert set(recalled.groups) == {"remembered_circle"}


def test_written_and_read_back_it_is_the_same_up_to_rounding(memory: Memory, tmp_path: Path) -> None:
    memory.write(tmp_path / "negatives.npz")
    found = Memory.read(tmp_path / "negatives.npz")
    for part, same in ((memory.lessons, found.lessons), (memory.validation, found.validation)):
        assert same.features == pytest.approx(part.features, rel=1e-3, abs=1e-6)
        assert same.features.dtype == np.float32
        assert same.digests.tolist() == part.digests.tolist()
        assert same.groups.tolist() == part.groups.tolist()
    found.write(tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "negatives.npz").read_bytes()


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "negatives.npz"
    narrow = Rows(np.zeros((2, 3), np.float32), rows(2).digests, rows(2).groups)
    for spoil in (
        lambda: path.write_bytes(b"PK something"),
        lambda: np.savez(path, features=np.zeros(3)),
        lambda: Memory(narrow, rows(1)).write(path),
    ):
        spoil()
        with pytest.raises(ModelCorrupt, match="remembered negatives"):
            Memory.read(path)


def test_pictures_at_hand_take_the_place_of_what_is_remembered_of_them(memory: Memory, dataset: Dataset) -> None:
    other = Memory(rows(3), rows(2))
    assert len(memory.without(dataset)) == 0
    assert len(other.without(dataset)) == 5
    assert len(memory.joined(other).without(dataset)) == 5
    assert memory.joined(other).digest != memory.digest == memory.joined(NOTHING).digest


def test_there_is_room_for_so_many_and_the_new_ones_come_first() -> None:
    both = rows(3).joined(rows(MOST_ROWS, first=3))
    assert len(both) == MOST_ROWS
    assert both.digests[:4].tolist() == [f"{number:016x}" for number in range(4)]


def test_nothing_comes_of_no_negatives(classifier: keras.Model, tmp_path: Path) -> None:
    dataset = load_dataset(write_parts(tmp_path, 2, 1), [], [], 2, lambda done, total: None)
    found = remember(classifier.get_layer(BACKBONE), dataset, mobilenet_preprocessing(64), GENTLE, (0,), 2)
    assert len(found) == len(NOTHING) == 0
    assert len(found.validation.answers(classifier.get_layer(HEAD)).groups) == 0


def test_negatives_of_many_classes_are_negatives_of_some_of_them_but_not_of_others() -> None:
    assert fits(["apple", "banana", "cherry"], ["cherry", "apple"])
    assert not fits(["apple", "banana"], ["apple", "dog"])
