"""Synthetic negatives."""

import numpy as np

from trainer.views.synthetic_negatives import synthetic_negative


def test_the_seed_determines_the_picture() -> None:
    first, again, other = (synthetic_negative(40, 60, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == (40, 60, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_some_are_uniform_and_some_are_noisy() -> None:
    spreads = [synthetic_negative(32, 32, np.random.default_rng(seed)).std(axis=(0, 1)).max() for seed in range(60)]
    assert min(spreads) < 5
    assert max(spreads) > 60
