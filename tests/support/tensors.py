"""Makes tensors for tests."""

import numpy as np
from numpy.typing import NDArray
from verger.v1 import inference_pb2, model_pb2


def pixels_tensor(pixels: NDArray[np.uint8]) -> inference_pb2.Tensor:
    """Packs pixels, uint8 of shape [height, width, 3], into a tensor."""
    return inference_pb2.Tensor(dtype=model_pb2.DATA_TYPE_UINT8, shape=pixels.shape, data=pixels.tobytes())
