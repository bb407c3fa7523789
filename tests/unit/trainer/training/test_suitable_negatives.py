"""Choosing negatives that show none of the classes."""

import numpy as np
import pytest
from numpy.typing import NDArray

from trainer.training.suitable_negatives import show_none_of

FEATURES = 32


def look(axis: int, count: int, seed: int, spread: float = 0.3) -> NDArray[np.float32]:
    """Returns features of pictures of one thing: a direction of its own, and what differs from picture to picture."""
    features = np.random.default_rng(seed).normal(0, spread / FEATURES**0.5, (count, FEATURES))
    features[:, axis] += 1
    return (features * np.random.default_rng(seed).uniform(1, 9, (count, 1))).astype(np.float32)


ROSES = look(0, 20, seed=1, spread=0.4)
"""Pictures of the only class."""


def test_negatives_that_look_like_a_class_are_left_out() -> None:
    features = np.concatenate([look(0, 6, seed=2), look(1, 6, seed=3)])
    chosen = show_none_of(["rose"], [ROSES], features, ["a/flower"] * 6 + ["a/clock"] * 6)
    assert chosen.tolist() == [False] * 6 + [True] * 6


def test_of_a_kind_that_often_looks_like_a_class_nothing_is_used() -> None:
    """The unlike ones show the class in a way that its few pictures do not show."""
    features = np.concatenate([look(0, 3, seed=2), look(5, 6, seed=3)])
    assert not show_none_of(["rose"], [ROSES], features, ["a/flower"] * 9).any()
    chosen = show_none_of(["rose"], [ROSES], features, [f"a/{number}" for number in range(9)])
    assert chosen.tolist() == [False] * 3 + [True] * 6


def test_one_of_many_that_looks_like_a_class_does_not_cost_its_kind() -> None:
    features = np.concatenate([look(0, 1, seed=2), look(1, 9, seed=3)])
    chosen = show_none_of(["rose"], [ROSES], features, ["a/garden"] * 10)
    assert chosen.tolist() == [False] + [True] * 9


@pytest.mark.parametrize("kind", ["shop/rose", "Garden/Rose", "rose/rose"])
def test_a_kind_with_the_name_of_a_class_is_left_out_whatever_it_looks_like(kind: str) -> None:
    assert not show_none_of(["rose"], [ROSES], look(7, 4, seed=4), [kind] * 4).any()


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("grape", "shop/grapes"),
        ("bananas", "shop/banana"),
        ("mango", "shop/mangoes"),
        ("blueberries", "shop/blueberry"),
        ("shoe", "shop/shoes"),
        ("leaves", "garden/leaf"),
        ("rose", "roses/others"),
        ("rose", "Garden Rose/rose"),
    ],
)
def test_singular_and_plural_are_the_same_name(label: str, kind: str) -> None:
    assert not show_none_of([label], [ROSES], look(7, 4, seed=4), [kind] * 4).any()


@pytest.mark.parametrize("kind", ["shop/grapefruit", "rose_garden/others", "rose/clock", "shop/ros"])
def test_other_names_are_other_kinds(kind: str) -> None:
    assert show_none_of(["grape", "rose"], [ROSES, ROSES], look(7, 4, seed=4), [kind] * 4).all()


def test_every_class_counts() -> None:
    features = np.concatenate([look(0, 2, seed=2), look(1, 2, seed=3), look(2, 2, seed=4)])
    kinds = ["a/x", "a/x", "a/y", "a/y", "a/z", "a/z"]
    chosen = show_none_of(["rose", "tulip"], [ROSES, look(1, 20, seed=5)], features, kinds)
    assert chosen.tolist() == [False] * 4 + [True] * 2


def test_two_pictures_of_a_class_are_enough_to_compare_with() -> None:
    chosen = show_none_of(["rose"], [ROSES[:2]], np.concatenate([ROSES[:1], look(9, 1, seed=6)]), ["a/x", "a/y"])
    assert chosen.tolist() == [False, True]


def test_a_lone_picture_leaves_out_nothing_by_its_look() -> None:
    """It does not tell how alike pictures of its class are, so all negatives would be left out, or none."""
    chosen = show_none_of(["rose"], [ROSES[:1]], look(1, 2, seed=6), ["a/rose", "a/clock"])
    assert chosen.tolist() == [False, True]
