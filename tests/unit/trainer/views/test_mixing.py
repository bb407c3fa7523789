"""Mixed batches."""

import numpy as np
import pytest

from trainer.views.mixing import Batch, cut_mix, mix_up, sometimes_mixed

SHADES = np.arange(8, dtype=np.float32)
PICTURES = SHADES.reshape(8, 1, 1, 1) * np.ones((8, 16, 16, 3), np.float32)
"""Each has a shade of its own."""
TARGETS = np.eye(8, dtype=np.float32)


@pytest.mark.parametrize("mix", [mix_up, cut_mix])
@pytest.mark.parametrize("seed", range(5))
def test_pictures_and_targets_are_mixed_alike(mix: type[Batch], seed: int) -> None:
    mixed, blended = mix(PICTURES, TARGETS, np.random.default_rng(seed))
    assert np.allclose(blended.sum(axis=1), 1)
    assert (np.diag(blended) >= 0.5).all()  # each stays mostly what it was
    assert np.allclose(mixed.mean(axis=(1, 2, 3)), blended @ SHADES, atol=1e-5)
    assert mixed.dtype == blended.dtype == np.float32


def test_a_blended_picture_shows_two_everywhere_and_a_patched_one_shows_each_somewhere() -> None:
    blended, _ = mix_up(PICTURES, TARGETS, np.random.default_rng(1))
    patched, _ = cut_mix(PICTURES, TARGETS, np.random.default_rng(1))
    assert all(len(np.unique(picture)) == 1 for picture in blended)
    assert not np.isin(blended, SHADES).all()
    assert np.isin(patched, SHADES).all()
    assert any(len(np.unique(picture)) == 2 for picture in patched)


def test_the_chance_says_how_many_batches_are_mixed() -> None:
    random = np.random.default_rng(0)
    same = [sometimes_mixed(PICTURES, TARGETS, 0.25, random)[0] is PICTURES for _ in range(200)]
    assert 130 < sum(same) < 170
