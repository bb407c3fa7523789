"""Turns pixels and tensors from the wire into model input. The trainer and the inference service share this code."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from verger.v1 import inference_pb2, model_pb2

from engine.errors import TensorInvalid

_NUMPY_TYPES: dict[model_pb2.DataType, np.dtype[Any]] = {
    model_pb2.DATA_TYPE_UINT8: np.dtype("<u1"),
    model_pb2.DATA_TYPE_FLOAT32: np.dtype("<f4"),
}


def scale_pixels(pixels: NDArray[np.uint8], spec: model_pb2.Preprocessing) -> NDArray[np.float32]:
    """Returns pixel * scale + offset for each pixel (0 to 255) of an array of any shape, as float32 of that shape."""
    scaled: NDArray[np.float32] = np.multiply(pixels, spec.scale, dtype=np.float32)
    scaled += np.float32(spec.offset)  # in place, because allocating a second array takes as long as the addition
    return scaled


def to_model_input(tensor: inference_pb2.Tensor, spec: model_pb2.Preprocessing) -> NDArray[np.float32]:
    """Checks a tensor and returns it as model input, float32 of shape [height, width, 3].

    UINT8 tensors hold pixels (0 to 255) and are scaled here. FLOAT32 tensors hold pixels that are scaled already.

    Raises:
        TensorInvalid: the element type, shape or length is wrong, or a value is not finite.
    """
    expected = (spec.height, spec.width, 3)
    shape = tuple(tensor.shape)
    if tensor.dtype not in _NUMPY_TYPES:
        raise TensorInvalid("TENSOR_DTYPE_UNSUPPORTED", "The tensor's dtype must be UINT8 or FLOAT32.")
    if shape != expected:
        raise TensorInvalid(
            "TENSOR_SHAPE_MISMATCH", f"The tensor has shape {list(shape)}; the live model takes {list(expected)}."
        )
    dtype = _NUMPY_TYPES[tensor.dtype]
    size = int(np.prod(shape)) * dtype.itemsize
    if len(tensor.data) != size:
        raise TensorInvalid(
            "TENSOR_SIZE_MISMATCH",
            f"The tensor has {len(tensor.data)} bytes of data; its shape and dtype need {size}.",
        )
    array = np.frombuffer(tensor.data, dtype).reshape(shape)
    if tensor.dtype == model_pb2.DATA_TYPE_UINT8:
        return scale_pixels(array, spec)
    if not np.isfinite(array).all():
        raise TensorInvalid("TENSOR_NOT_FINITE", "The tensor has a value that is not a finite number.")
    return array
