"""Evidence in the served graph."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.network.assembly import HEAD, with_all_logits
from trainer.network.backbone import BACKBONE
from trainer.network.gradcam import with_evidence

PIXELS = np.random.default_rng(2).uniform(-1, 1, (4, 64, 64, 3)).astype(np.float32)


@pytest.fixture(params=["classifier", "refusing"])
def model(request: pytest.FixtureRequest) -> keras.Model:
    return request.getfixturevalue(request.param)


def test_evidence_is_the_gradient_of_the_best_logit_times_the_feature_maps(model: keras.Model) -> None:
    """Computes Grad-CAM as in its paper, with a backward pass. What is subtracted for auxiliary classes is left out."""
    backbone, head = model.get_layer(BACKBONE), model.get_layer(HEAD)
    found = with_evidence(backbone, head)(PIXELS, training=False)
    maps = tf.constant(backbone(PIXELS, training=False))
    with tf.GradientTape() as tape:
        tape.watch(maps)
        logits = with_all_logits(head)(tf.reduce_mean(maps, (1, 2)), training=False)
        best = tf.reduce_sum(tf.reduce_max(logits[:, :3], -1))
    weights = tf.reduce_mean(tape.gradient(best, maps), (1, 2), keepdims=True)
    expected = tf.reduce_sum(weights * maps, -1)
    assert np.ptp(expected) > 0
    assert np.allclose(found["evidence"], expected, atol=1e-5)


def test_the_logits_are_those_of_the_classifier(model: keras.Model) -> None:
    found = with_evidence(model.get_layer(BACKBONE), model.get_layer(HEAD))(PIXELS, training=False)
    assert np.allclose(found["logits"], model(PIXELS, training=False), atol=1e-6)
