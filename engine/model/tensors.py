"""From pixels and wire tensors to model input. Pure; shared by training and inference."""

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
    """Turns pixels (0 to 255, any shape) into model input: pixel * scale + offset, float32."""
    scaled: NDArray[np.float32] = np.multiply(pixels, spec.scale, dtype=np.float32)
    scaled += np.float32(spec.offset)  # in place: a second array would cost as much as the sum
    return scaled


def to_model_input(tensor: inference_pb2.Tensor, spec: model_pb2.Preprocessing) -> NDArray[np.float32]:
    """Unpacks a tensor from anybody into model input of shape [height, width, 3].

    Raises:
        TensorInvalid: wrong element type, shape or length, or a value that is not a finite number.
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
            f"The tensor has {len(tensor.data)} bytes of data; its shape and dtype make {size}.",
        )
    array = np.frombuffer(tensor.data, dtype).reshape(shape)
    if tensor.dtype == model_pb2.DATA_TYPE_UINT8:
        return scale_pixels(array, spec)
    if not np.isfinite(array).all():
        raise TensorInvalid("TENSOR_NOT_FINITE", "The tensor holds a value that is not a finite number.")
    return array
