"""Which pictures test: decided by their content, with at least one in each class."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.trainer.shapes import LABELS, shape, write_shapes
from tests.support.trainer.training import load
from trainer.data.dataset import Dataset, Picture
from trainer.data.duplicates import nearest
from trainer.data.split import by_digest, train_and_test, train_and_validation
from trainer.errors import DatasetInvalid

NEAR = 0b11
"""Bits by which two perceptual hashes of one photo may differ."""


def picture(label: str, seed: int, near: int | None = None) -> Picture:
    """Makes a picture like no other one, or one that shows the same photo as that of the seed `near`."""
    digest = hashlib.sha256(f"{label}{seed}".encode()).hexdigest()
    shown = hashlib.sha256(f"{label}{seed if near is None else near}".encode()).digest()[:8]
    return Picture(Path(label) / f"{seed}.png", label, digest, int.from_bytes(shown, "big") ^ (NEAR if near else 0))


def would_test(picture: Picture) -> bool:
    return int(picture.digest[:8], 16) < 0.2 * 2**32


def seeds_that_train(label: str, count: int) -> list[int]:
    return [seed for seed in range(1, 1000) if not would_test(picture(label, seed))][:count]


def seeds_that_test(label: str, count: int) -> list[int]:
    return [seed for seed in range(1, 1000) if would_test(picture(label, seed))][:count]


def split(pictures: list[Picture]) -> tuple[set[str], set[str]]:
    train, test, _ = train_and_test({"all": by_digest(pictures)}, [])
    return {item.digest for item in train}, {item.digest for item in test}


def test_ten_pictures_of_a_class_always_give_a_test_picture() -> None:
    for number in range(200):
        label = f"class {number}"
        train, test = split(
            [picture(label, seed) for seed in range(10)] + [picture("other", seed) for seed in range(50)]
        )
        own = {picture(label, seed).digest for seed in range(10)}
        assert own & test
        assert own & train


@pytest.mark.parametrize("seeds", [seeds_that_train, seeds_that_test])
def test_two_pictures_of_a_class_are_one_for_training_and_one_for_testing(
    seeds: Callable[[str, int], list[int]],
) -> None:
    train, test = split([picture("apple", seed) for seed in seeds("apple", 2)])
    assert (len(train), len(test)) == (1, 1)


def test_no_training_picture_becomes_a_test_picture_when_others_are_added() -> None:
    for number in range(100):
        label = f"class {number}"
        grown = [picture(label, seed) for seed in range(40)]
        before, _ = split(grown[:10])
        for size in range(11, 41):
            train, test = split(grown[:size])
            assert not before & test
            before = train


def test_a_picture_that_shows_a_training_photo_is_not_given_to_the_test_part() -> None:
    first, *others = sorted(seeds_that_train("apple", 6), key=lambda seed: picture("apple", seed).digest)
    copies = [seed for seed in range(1000, 1100) if not would_test(picture("apple", seed))]
    twin = picture("apple", copies[0], near=first)
    train, test = split([*(picture("apple", seed) for seed in (first, *others)), twin])
    assert test == {picture("apple", others[0]).digest}
    assert {picture("apple", first).digest, twin.digest} <= train


def test_a_class_whose_test_pictures_all_show_training_photos_gets_another_one() -> None:
    trained, tested = seeds_that_train("apple", 5), seeds_that_test("apple", 1)[0]
    twin = picture("apple", tested, near=trained[0])
    pictures = by_digest([*(picture("apple", seed) for seed in trained), twin])
    train, test, _ = train_and_test({"all": pictures}, [])
    assert test
    assert nearest([item.perceptual_hash for item in test], [item.perceptual_hash for item in train]) == [None] * len(
        test
    )


def test_validation_never_takes_the_last_training_picture_of_a_class() -> None:
    pictures = [picture(f"class {number}", seed) for number in range(100) for seed in range(2)]
    train, validation = train_and_validation(by_digest(pictures), [])
    assert len({item.label for item in train}) == 100
    assert len(validation) > 10


def parts_of(dataset: Dataset, label: str) -> list[int]:
    return [sum(item.label == label for item in part) for part in (dataset.train, dataset.validation, dataset.test)]


def test_a_small_folder_is_split_so_that_each_class_can_be_tested(tmp_path: Path) -> None:
    dataset = load(write_shapes(tmp_path, 4))
    assert all(parts_of(dataset, label)[0] and parts_of(dataset, label)[2] for label in LABELS)


def test_a_class_of_a_single_picture_is_refused(tmp_path: Path) -> None:
    write_shapes(tmp_path, 3, ("red_circle", "blue_bar"))
    (tmp_path / "pear").mkdir()
    shape("green_square", 1).save(tmp_path / "pear" / "1.png")
    with pytest.raises(DatasetInvalid, match="No test picture is left for pear"):
        load(tmp_path)


def test_a_picture_in_two_classes_is_left_out_of_both(tmp_path: Path) -> None:
    write_shapes(tmp_path, 8)
    for seed in (3, 5):
        shape("red_circle", seed).save(tmp_path / "blue_bar" / f"copy_{seed}.png")
    dataset = load(tmp_path)
    named = {
        frozenset(item.path.relative_to(tmp_path).as_posix() for item in found.copies)
        for found in dataset.contradictions
    }
    assert named == {frozenset({f"red_circle/{seed}.png", f"blue_bar/copy_{seed}.png"}) for seed in (3, 5)}
    assert (sum(parts_of(dataset, "red_circle")), sum(parts_of(dataset, "blue_bar"))) == (6, 8)


def test_a_negative_that_lies_in_a_class_is_left_out_of_both(tmp_path: Path) -> None:
    write_shapes(tmp_path / "main", 6)
    write_shapes(tmp_path / "other", 10, ("green_square",), first=500)
    shape("red_circle", 3).save(tmp_path / "other" / "3.png")
    dataset = load(tmp_path / "main", [], [tmp_path / "other"])
    assert len(dataset.negatives) + len(dataset.validation_negatives) == 10
    assert sum(parts_of(dataset, "red_circle")) == 5
