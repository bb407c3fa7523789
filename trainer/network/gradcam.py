"""Adds evidence to the served graph: how much each part of the picture contributes to the answer."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from trainer.graphs.names import EVIDENCE_OUTPUT, INPUT, LOGITS_OUTPUT


class Evidence(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Grad-CAM (Selvaraju et al., 2017, arXiv:1610.02391) at the last feature maps, without a backward pass.

    The maps are followed by a mean, perhaps a dense layer with ReLU, and a dense layer without. The gradient of a logit
    with respect to the maps is therefore a column of the last kernel, or a product of the two kernels, in which
    inactive units count as zero. What RelativeToRest subtracts is the same for all classes and left out.
    """

    def __init__(self, dense: Sequence[keras.layers.Dense]) -> None:
        super().__init__(name=EVIDENCE_OUTPUT)
        *self._hidden, self._last = (layer.kernel for layer in dense)

    def call(self, maps: Any, activations: Any, logits: Any) -> Any:
        """Returns how much each cell contributes to the highest logit, float32 [n, rows, columns].

        Args:
            maps: float32 [n, rows, columns, features].
            activations: inputs of the last dense layer, float32 [n, units].
            logits: float32 [n, classes].
        """
        best = ops.cast(logits >= ops.max(logits, axis=-1, keepdims=True), "float32")
        weights = ops.matmul(best, ops.transpose(self._last[:, : logits.shape[-1]]))
        for kernel in self._hidden:
            weights = ops.matmul(weights * ops.cast(activations > 0, "float32"), ops.transpose(kernel))
        cells = maps.shape[1] * maps.shape[2]
        return ops.sum(maps * weights[:, None, None, :], axis=-1) / cells


def with_evidence(backbone: keras.Model, head: keras.Model) -> keras.Model:
    """Joins both like assemble(), with the outputs "logits" [n, classes] and "evidence" [n, rows, columns]."""
    dense = [layer for layer in head.layers if isinstance(layer, keras.layers.Dense)]
    inputs = keras.Input(backbone.input_shape[1:], name=INPUT)
    maps = backbone(inputs)
    values = keras.layers.GlobalAveragePooling2D()(maps)
    for layer in head.layers:
        if layer is dense[-1]:
            activations = values
        values = layer(values)
    evidence = Evidence(dense)(maps, activations, values)
    return keras.Model(inputs, {LOGITS_OUTPUT: values, EVIDENCE_OUTPUT: evidence})
