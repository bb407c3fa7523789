"""Kinds of negatives."""

from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from trainer.data.negative_kinds import CLUSTER_PICTURES, MAX_PICTURES, MIN_PICTURES, divide


def no_features(members: NDArray[np.int64]) -> NDArray[np.float32]:
    pytest.fail("features of small kinds are not needed")


def test_a_kind_with_enough_pictures_is_kept_and_the_rest_of_a_folder_is_one() -> None:
    kinds = ["shop/pear"] * MIN_PICTURES + ["shop/plum"] * (MIN_PICTURES - 1) + ["shop/fig", "home/dog"]
    found = divide(kinds, no_features)
    assert found == ["shop/pear"] * MIN_PICTURES + ["shop/*"] * MIN_PICTURES + ["home/*"]


def test_nothing_is_divided_into_nothing() -> None:
    assert divide([], no_features) == []


def test_a_large_kind_is_divided_by_look() -> None:
    looks = np.arange(3 * CLUSTER_PICTURES) % 3  # three directions, of any length
    random = np.random.default_rng(1)
    features = np.eye(3, 8, dtype=np.float32)[looks] + random.normal(0, 0.05, (len(looks), 8)).astype(np.float32)
    features *= random.uniform(1, 9, (len(looks), 1)).astype(np.float32)
    assert len(looks) > MAX_PICTURES
    kinds = [*["home/img"] * len(looks), *["shop/pear"] * MIN_PICTURES]
    found = divide(kinds, lambda members: features[members])
    assert found[len(looks) :] == ["shop/pear"] * MIN_PICTURES
    pairs = Counter(zip(looks.tolist(), found, strict=False))
    assert sorted(pairs.values()) == [CLUSTER_PICTURES] * 3
    assert {kind for _, kind in pairs} == {"home/img 1", "home/img 2", "home/img 3"}
    assert divide(kinds, lambda members: features[members]) == found
