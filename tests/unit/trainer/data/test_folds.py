"""Folds for cross-validation."""

from collections import Counter

import numpy as np
import pytest

from trainer.data.folds import FOLDS, LEARNED_BY_ALL, folds_of


def test_every_class_is_divided_evenly() -> None:
    classes = [0] * 23 + [1] * 10 + [2] * 7
    folds = folds_of(classes, range(40))
    for number, count in ((0, 23), (1, 10), (2, 7)):
        sizes = Counter(folds[np.array(classes) == number].tolist())
        assert set(sizes) == set(range(FOLDS))
        assert max(sizes.values()) - min(sizes.values()) <= 1, (number, count)
    assert sorted(Counter(folds.tolist()).values()) == [8] * FOLDS


def test_all_examples_of_a_photo_are_in_one_fold() -> None:
    photos = ["rose", "rose cropped", "tulip"] * 6 + [f"{number}" for number in range(20)]
    same = ["rose" if photo.startswith("rose") else photo for photo in photos]
    folds = folds_of([0] * len(photos), same)
    assert len({fold for fold, photo in zip(folds, same, strict=True) if photo == "rose"}) == 1
    assert len(set(folds.tolist())) == FOLDS


@pytest.mark.parametrize("count", range(2, FOLDS + 1))
def test_the_few_photos_of_a_class_are_in_folds_of_their_own(count: int) -> None:
    folds = folds_of([0] * 3 + [1] * count, range(3 + count))
    assert len(set(folds[3:].tolist())) == count


def test_the_only_photo_of_a_class_is_learned_by_all() -> None:
    folds = folds_of([0, 0, 1, 1, 1], ["a", "b", "c", "c", "c"])
    assert folds[2:].tolist() == [LEARNED_BY_ALL] * 3
    assert folds[0] != folds[1]


def test_no_examples_have_no_folds() -> None:
    assert folds_of([], []).tolist() == []
