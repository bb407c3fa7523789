"""What the served graph computes beside the logits: which part of the picture speaks for its answer."""

from typing import Any

import keras
from keras import ops

from engine.model.session import EVIDENCE_OUTPUT

LOGITS_OUTPUT = "logits"


class Evidence(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Grad-CAM (Selvaraju et al., 2017, arXiv:1610.02391) at the last feature maps, without its backward pass.

    Behind those maps are a mean, one dense layer with ReLU and one without. The gradient of a logit by the maps is thus
    a product of the two kernels, in which the units that are silent for this picture count as zero.
    """

    def __init__(self, hidden: keras.layers.Dense, last: keras.layers.Dense) -> None:
        super().__init__(name=EVIDENCE_OUTPUT)
        self._kernels = hidden.kernel, last.kernel

    def call(self, maps: Any, activations: Any, logits: Any) -> Any:
        """How much each cell adds to the highest logit.

        Args:
            maps: float32 [n, rows, columns, features]. activations: [n, units]. logits: [n, classes].

        Returns:
            float32 [n, rows, columns].
        """
        hidden, last = self._kernels
        best = ops.cast(logits >= ops.max(logits, axis=-1, keepdims=True), "float32")
        speaking = ops.matmul(best, ops.transpose(last)) * ops.cast(activations > 0, "float32")
        weights = ops.matmul(speaking, ops.transpose(hidden))
        cells = maps.shape[1] * maps.shape[2]
        return ops.sum(maps * weights[:, None, None, :], axis=-1) / cells


def with_evidence(backbone: keras.Model, head: keras.Model) -> keras.Model:
    """Joins both like assemble(); the outputs are "logits" [n, classes] and "evidence" [n, rows, columns]."""
    hidden, last = (layer for layer in head.layers if isinstance(layer, keras.layers.Dense))
    inputs = keras.Input(backbone.input_shape[1:], name="pixels")
    maps = backbone(inputs)
    activations = hidden(keras.layers.GlobalAveragePooling2D()(maps))
    logits = last(activations)
    evidence = Evidence(hidden, last)(maps, activations, logits)
    return keras.Model(inputs, {LOGITS_OUTPUT: logits, EVIDENCE_OUTPUT: evidence})
