"""Adds evidence to the served graph: how much each part of the picture contributes to the answer."""

from typing import Any

import keras
from keras import ops

from trainer.graphs.names import EVIDENCE_OUTPUT, INPUT, LOGITS_OUTPUT


class Evidence(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Grad-CAM (Selvaraju et al., 2017, arXiv:1610.02391) at the last feature maps, without a backward pass.

    The maps are followed by a mean, a dense layer with ReLU and one without. The gradient of a logit with respect to
    the maps is therefore a product of the two kernels, in which inactive units count as zero.
    """

    def __init__(self, hidden: keras.layers.Dense, last: keras.layers.Dense) -> None:
        super().__init__(name=EVIDENCE_OUTPUT)
        self._kernels = hidden.kernel, last.kernel

    def call(self, maps: Any, activations: Any, logits: Any) -> Any:
        """Returns how much each cell contributes to the highest logit, float32 [n, rows, columns].

        Args:
            maps: float32 [n, rows, columns, features].
            activations: hidden units after ReLU, float32 [n, units].
            logits: float32 [n, classes].
        """
        hidden, last = self._kernels
        best = ops.cast(logits >= ops.max(logits, axis=-1, keepdims=True), "float32")
        active = ops.matmul(best, ops.transpose(last)) * ops.cast(activations > 0, "float32")
        weights = ops.matmul(active, ops.transpose(hidden))
        cells = maps.shape[1] * maps.shape[2]
        return ops.sum(maps * weights[:, None, None, :], axis=-1) / cells


def with_evidence(backbone: keras.Model, head: keras.Model) -> keras.Model:
    """Joins both like assemble(), with the outputs "logits" [n, classes] and "evidence" [n, rows, columns]."""
    hidden, last = (layer for layer in head.layers if isinstance(layer, keras.layers.Dense))
    inputs = keras.Input(backbone.input_shape[1:], name=INPUT)
    maps = backbone(inputs)
    activations = hidden(keras.layers.GlobalAveragePooling2D()(maps))
    logits = last(activations)
    evidence = Evidence(hidden, last)(maps, activations, logits)
    return keras.Model(inputs, {LOGITS_OUTPUT: logits, EVIDENCE_OUTPUT: evidence})
