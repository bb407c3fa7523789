"""Folds batch normalisation into the convolutions while the network learns, and unfolds it again.

With frozen statistics, batch normalisation multiplies each channel by gamma / sqrt(variance + epsilon) and adds a
constant. Here this factor multiplies the kernels, which are small, and not the maps, which are large; the constant is a
bias that learns. Kernels keep the scale of their pretraining, so learning rates mean the same as for the ordinary
network. A step takes half the time of one with batch normalisation that learns.
"""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class FoldedConvolution(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """A convolution without bias, and the batch normalisation that follows it."""

    def __init__(self, convolution: keras.layers.Layer, normalisation: keras.layers.Layer) -> None:
        super().__init__(name=convolution.name)
        (kernel,) = convolution.get_weights()
        self._is_depthwise = isinstance(convolution, keras.layers.DepthwiseConv2D)
        self._strides, self._padding = convolution.strides, convolution.padding
        scale, shift = _scale_and_shift(normalisation)
        self._scale = scale[:, None] if self._is_depthwise else scale
        self.kernel = self.add_weight(name="kernel", shape=kernel.shape, initializer="zeros")
        self.bias = self.add_weight(name="bias", shape=shift.shape, initializer="zeros")
        self.set_weights([kernel, shift])

    def call(self, maps: Any) -> Any:
        """Turns float32 [n, rows, columns, channels] into the maps of the convolution, normalised."""
        convolve = ops.depthwise_conv if self._is_depthwise else ops.conv
        return convolve(maps, self.kernel * self._scale, strides=self._strides, padding=self._padding) + self.bias


def fold(backbone: keras.Model) -> keras.Model:
    """Returns a trainable copy of a backbone in which each convolution includes its batch normalisation.

    It computes the same. Input: float32 [n, size, size, 3] of any size that is a multiple of 32.
    """
    pairs = _normalised(backbone)

    def layer_for(layer: keras.layers.Layer) -> keras.layers.Layer:
        if layer.name in pairs:
            return FoldedConvolution(layer, pairs[layer.name])
        if isinstance(layer, keras.layers.BatchNormalization):
            return keras.layers.Identity(name=layer.name)
        return type(layer).from_config(layer.get_config())

    pixels = keras.Input((None, None, 3))
    return keras.models.clone_model(
        backbone,
        input_tensors=pixels,
        clone_function=layer_for,
        call_function=lambda layer, *inputs, **_: layer(*inputs),  # without the masks that Keras hands on
    )


def unfold(folded: keras.Model, backbone: keras.Model) -> None:
    """Writes the weights of a folded copy back into its backbone, which then computes the same as the copy."""
    for name, normalisation in _normalised(backbone).items():
        kernel, bias = folded.get_layer(name).get_weights()
        gamma, _, mean, variance = normalisation.get_weights()
        scale, _ = _scale_and_shift(normalisation)
        backbone.get_layer(name).set_weights([kernel])
        normalisation.set_weights([gamma, bias + mean * scale, mean, variance])


def _normalised(backbone: keras.Model) -> Mapping[str, keras.layers.Layer]:
    """Returns the batch normalisation after each convolution, by the convolution's name."""
    pairs = zip(backbone.layers, backbone.layers[1:], strict=False)
    return {one.name: after for one, after in pairs if isinstance(after, keras.layers.BatchNormalization)}


def _scale_and_shift(normalisation: keras.layers.Layer) -> tuple[Floats, Floats]:
    gamma, beta, mean, variance = normalisation.get_weights()
    scale = gamma / np.sqrt(variance + normalisation.epsilon)
    return scale, beta - mean * scale
