"""The whole network of backbone, pooling and dense layers, and its export to ONNX."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np
import onnxruntime
import tensorflow as tf
import tf2onnx
from numpy.typing import NDArray

from trainer.errors import ExportDiffers
from trainer.graphs.names import FEATURES_OUTPUT, INPUT
from trainer.network.backbone import BACKBONE, FEATURES, build_backbone
from trainer.network.files import OWN_LAYERS, load_network
from trainer.network.rest import RelativeToRest

HEAD = "head"
"""Name of the dense layers in the model."""
ALL_LOGITS = "all_logits"
"""Name of the head's layer that computes the logits of the classes and, after them, of the auxiliary classes."""
MAX_DIFFERENCE = 1e-4
"""Largest absolute difference between outputs of the Keras model and of its export."""


class KerasRuntime:
    """Runs a Keras model. Has the interface of trainer.evaluation.predict.Runtime."""

    def __init__(self, path: Path) -> None:
        self._model = load_network(path)

    def logits(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Runs model input of shape [n, size, size, 3]; returns logits of shape [n, classes]."""
        return np.asarray(self._model(batch, training=False))


def build_head(classes: int, auxiliary: int = 0, units: int = 0, dropout: float = 0) -> keras.Model:
    """Builds the dense layers. Input: float32 [n, 1280] pooled features; output: float32 [n, classes] logits.

    Args:
        auxiliary: number of auxiliary classes. The output is relative to their logits, see RelativeToRest.
        units: size of the hidden layer; 0 for none.
    """
    head = keras.Sequential([keras.Input((FEATURES,)), keras.layers.Dropout(dropout)], name=HEAD)
    if units:
        head.add(keras.layers.Dense(units, activation="relu"))
        head.add(keras.layers.Dropout(dropout))
    head.add(keras.layers.Dense(classes + auxiliary, name=ALL_LOGITS))
    if auxiliary:
        head.add(RelativeToRest(classes))
    return head


def with_all_logits(head: keras.Model) -> keras.Model:
    """Returns a head's layers up to the logits of all classes, auxiliary ones included, as a model for training."""
    return keras.Model(head.inputs[0], head.get_layer(ALL_LOGITS).output)


def is_relative_to_rest(head: keras.Model) -> bool:
    """Returns whether a head has auxiliary classes, so that its logits are relative to what it learned of the rest."""
    return isinstance(head.layers[-1], RelativeToRest)


def assemble(backbone: keras.Model, head: keras.Model) -> keras.Model:
    """Joins backbone and head to a classifier that shares their weights.

    Input: float32 [n, size, size, 3] from -1 to 1; output: float32 [n, classes] logits.
    """
    inputs = keras.Input(backbone.input_shape[1:], name=INPUT)
    features = keras.layers.GlobalAveragePooling2D(name="pool")(backbone(inputs))
    return keras.Model(inputs, head(features), name="classifier")


def with_input_size(model: keras.Model, size: int) -> keras.Model:
    """Returns a copy for pictures of size x size pixels, without optimizers. The weights fit any size."""
    backbone = build_backbone(size)
    backbone.set_weights(model.get_layer(BACKBONE).get_weights())
    head = keras.Sequential.from_config(model.get_layer(HEAD).get_config(), custom_objects=OWN_LAYERS)
    head.set_weights(model.get_layer(HEAD).get_weights())
    return assemble(backbone, head)


@contextmanager
def feature_graph(backbone: keras.Model) -> Iterator[Path]:
    """Exports the pooled backbone to an ONNX file that is deleted at the end of the block.

    Input: float32 [n, size, size, 3] from -1 to 1; output: float32 [n, 1280].
    """
    features = keras.layers.GlobalAveragePooling2D()(backbone.output)
    with tempfile.TemporaryDirectory(prefix="verger-") as folder:
        path = Path(folder) / "backbone.onnx"
        export_onnx(keras.Model(backbone.input, {FEATURES_OUTPUT: features}), path)
        yield path


def export_onnx(model: keras.Model, path: Path) -> None:
    """Writes the ONNX graph of a model, with a dynamic batch size.

    Keras' own `model.export` prepares a SavedModel first, which takes a quarter of its time.

    Args:
        model: a model that returns a mapping from names to outputs.

    Raises:
        ExportDiffers: an output for random input differs from the Keras model's by more than MAX_DIFFERENCE.
    """
    example = np.random.default_rng(0).uniform(-1, 1, (4, *model.input_shape[1:])).astype(np.float32)
    signature = [tf.TensorSpec(model.input_shape, tf.float32, name=INPUT)]
    traced = tf.function(lambda pixels: model(pixels, training=False), input_signature=signature)
    expected = traced(example)
    tf2onnx.convert.from_function(traced, signature, output_path=path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    found = session.run(list(expected), {INPUT: example})
    difference = max(
        float(np.abs(output - np.asarray(expected[name])).max()) for name, output in zip(expected, found, strict=True)
    )
    if not difference <= MAX_DIFFERENCE:
        raise ExportDiffers(
            f"The ONNX export differs from the Keras model by {difference:.2g}; at most {MAX_DIFFERENCE:g} is "
            "allowed. Nothing was registered. Try other versions of TensorFlow or tf2onnx."
        )
