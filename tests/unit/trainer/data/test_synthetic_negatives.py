"""Pictures that show nothing."""

import numpy as np

from trainer.data.synthetic_negatives import nonsense


def test_the_seed_decides_what_it_is() -> None:
    first, again, other = (nonsense(40, 60, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == (40, 60, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_there_are_plain_ones_and_wild_ones() -> None:
    spreads = [nonsense(32, 32, np.random.default_rng(seed)).std(axis=(0, 1)).max() for seed in range(60)]
    assert min(spreads) < 5
    assert max(spreads) > 60
