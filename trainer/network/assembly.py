"""The whole network: backbone, pooling, dense layers. One Keras model for training on, one ONNX graph for serving."""

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
from trainer.network.backbone import BACKBONE, FEATURES, build_backbone

HEAD = "head"
INPUT = "pixels"
LARGEST_DIFFERENCE = 1e-4


class KerasRuntime:
    """Runs a Keras model as engine.model.session.OnnxSession runs its export."""

    def __init__(self, path: Path) -> None:
        self._model = keras.saving.load_model(path, compile=False)

    def logits(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Model input of shape [n, size, size, 3] in, logits of shape [n, classes] out."""
        return np.asarray(self._model(batch, training=False))


def build_head(classes: int, units: int, dropout: float) -> keras.Model:
    """Dense layers: float32 [n, 1280] pooled features in, float32 [n, classes] logits out."""
    return keras.Sequential(
        [
            keras.Input((FEATURES,)),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(classes),
        ],
        name=HEAD,
    )


def assemble(backbone: keras.Model, head: keras.Model) -> keras.Model:
    """Joins both: float32 [n, size, size, 3] from -1 to 1 in, float32 [n, classes] logits out. Weights are shared."""
    inputs = keras.Input(backbone.input_shape[1:], name=INPUT)
    features = keras.layers.GlobalAveragePooling2D(name="pool")(backbone(inputs))
    return keras.Model(inputs, head(features), name="classifier")


def with_input_size(model: keras.Model, size: int) -> keras.Model:
    """A copy for pictures of size x size, without optimizers. The weights of a convolutional network fit any size."""
    backbone = build_backbone(size)
    backbone.set_weights(model.get_layer(BACKBONE).get_weights())
    head = keras.Sequential.from_config(model.get_layer(HEAD).get_config())
    head.set_weights(model.get_layer(HEAD).get_weights())
    return assemble(backbone, head)


@contextmanager
def feature_graph(backbone: keras.Model) -> Iterator[Path]:
    """The pooled backbone as an ONNX file: float32 [n, size, size, 3] in, float32 [n, 1280] out. Gone afterwards."""
    features = keras.layers.GlobalAveragePooling2D()(backbone.output)
    with tempfile.TemporaryDirectory(prefix="verger-") as folder:
        path = Path(folder) / "backbone.onnx"
        export_onnx(keras.Model(backbone.input, {"features": features}), path)
        yield path


def export_onnx(model: keras.Model, path: Path) -> None:
    """Writes the graph of a model whose outputs are named, with a dynamic batch size.

    `model.export` of Keras makes ready for a SavedModel first, which takes a quarter of its time.

    Args:
        model: returns a mapping from name to output.

    Raises:
        ExportDiffers: on random input any output is more than 1e-4 from the Keras model's.
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
    if not difference <= LARGEST_DIFFERENCE:
        raise ExportDiffers(
            f"The ONNX export differs from the Keras model by {difference:.2g}; at most {LARGEST_DIFFERENCE:g} is "
            "allowed. Nothing was registered. Try other versions of TensorFlow or tf2onnx."
        )
