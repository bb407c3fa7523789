"""Folds the logits of auxiliary classes into those of the classes."""

from typing import Any

import keras
from keras import ops


class RelativeToRest(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Subtracts from each class's logit the logarithm of the summed exponentials of all auxiliary classes' logits.

    A softmax over the result gives the probabilities of the classes, given that it is one of them. A softmax over the
    result and a further logit of 0 gives their probabilities beside all auxiliary classes, whose sum is that of the 0.
    So the network needs no other outputs than those of the classes.
    """

    def __init__(self, classes: int, **settings: Any) -> None:
        super().__init__(**settings)
        self._classes = classes

    def call(self, logits: Any) -> Any:
        """Turns float32 [n, classes + auxiliary classes] into float32 [n, classes]."""
        rest = ops.logsumexp(logits[:, self._classes :], axis=-1, keepdims=True)
        return logits[:, : self._classes] - rest

    def get_config(self) -> dict[str, Any]:
        """Returns what Keras stores of the layer."""
        return {**super().get_config(), "classes": self._classes}
