"""Classifies a photo in every contender, as tutorials do it: Pillow, NumPy, then ONNX Runtime or Keras.

Each forward pass in ONNX Runtime uses one thread, because the frameworks run one process per core. TensorFlow uses its
defaults.
"""

import io
import os
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

SIZE = 224
CORES = len(os.sched_getaffinity(0))
MODEL = Path(os.environ.get("BENCHMARK_MODEL", "."))


class Predictor(Protocol):
    """A loaded model. It takes float32 [1, 224, 224, 3] from -1 to 1 and returns logits [10]."""

    def __call__(self, pixels: np.ndarray, /) -> list[float]: ...


def load() -> Predictor:
    """Loads the Keras model if BENCHMARK_RUNTIME is "keras", else the ONNX graph."""
    return (
        _keras(MODEL / "model.keras") if os.environ.get("BENCHMARK_RUNTIME") == "keras" else _onnx(MODEL / "model.onnx")
    )


def pixels_of(photo: bytes | Image.Image) -> np.ndarray:
    """Makes model input from an encoded or an opened photo."""
    image = photo if isinstance(photo, Image.Image) else Image.open(io.BytesIO(photo))
    small = image.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    return np.asarray(small, np.float32)[None] / np.float32(127.5) - np.float32(1)


def answer(logits: list[float]) -> dict[str, Any]:
    """Returns the answer that is sent to the client."""
    return {"class": int(np.argmax(logits)), "logits": logits}


def _onnx(path: Path) -> Predictor:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda pixels: session.run(["logits"], {"pixels": pixels})[0][0].tolist()


def _keras(path: Path) -> Predictor:
    import keras

    model = keras.saving.load_model(path, compile=False)
    return lambda pixels: model.predict(pixels, verbose=0)[0].tolist()
