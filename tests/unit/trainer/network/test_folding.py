"""Batch normalisation that is folded into convolutions."""

import keras
import numpy as np
import pytest

from trainer.network.backbone import build_backbone
from trainer.network.folding import fold, unfold

PIXELS = np.random.default_rng(3).uniform(-1, 1, (2, 64, 64, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def backbone() -> keras.Model:
    """A backbone whose batch normalisation has statistics and factors of its own in each channel."""
    keras.utils.set_random_seed(8)
    model, random = build_backbone(64), np.random.default_rng(9)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = (weights.shape for weights in layer.get_weights())
            layer.set_weights(
                [
                    random.uniform(0.5, 1.5, gamma),
                    random.normal(0, 0.2, beta),
                    random.normal(0, 0.2, mean),
                    random.uniform(0.5, 2, variance),
                ]
            )
    return model


def test_the_folded_copy_computes_the_same_at_any_size(backbone: keras.Model) -> None:
    folded = fold(backbone)
    expected = np.asarray(backbone(PIXELS, training=False))
    assert np.ptp(expected) > 0.1
    assert np.asarray(folded(PIXELS, training=True)) == pytest.approx(expected, abs=1e-4)
    assert folded(np.zeros((1, 96, 96, 3), np.float32)).shape == (1, 3, 3, 1280)


def test_everything_in_it_learns_and_it_shares_nothing_with_the_backbone(backbone: keras.Model) -> None:
    folded = fold(backbone)
    assert len(folded.trainable_variables) == len(folded.variables) == 2 * 52
    before = backbone.get_weights()
    folded.set_weights([np.zeros_like(weights) for weights in folded.get_weights()])
    assert all(np.array_equal(one, other) for one, other in zip(before, backbone.get_weights(), strict=True))


def test_what_it_has_learned_is_written_back(backbone: keras.Model) -> None:
    folded, target, random = fold(backbone), build_backbone(64), np.random.default_rng(1)
    target.set_weights(backbone.get_weights())
    learned = [weights * random.uniform(0.9, 1.1, weights.shape) + 0.01 for weights in folded.get_weights()]
    folded.set_weights(learned)
    unfold(folded, target)
    expected = np.asarray(folded(PIXELS))
    assert np.abs(expected - np.asarray(backbone(PIXELS, training=False))).max() > 0.01
    assert np.asarray(target(PIXELS, training=False)) == pytest.approx(expected, rel=1e-4, abs=1e-4)
