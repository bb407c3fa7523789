"""Packs a resized picture into the tensor that preprocess sends to inference.

Pillow and the standard library are enough for this, so that the preprocess service needs no array library.
"""

import sys
from array import array

from PIL import Image
from verger.v1 import inference_pb2, model_pb2


def to_tensor(image: Image.Image, spec: model_pb2.Preprocessing) -> inference_pb2.Tensor:
    """Packs an RGB picture into a tensor of shape [height, width, 3] with the contract's element type.

    A UINT8 tensor holds the pixels (0 to 255), a FLOAT32 tensor pixel * scale + offset, little-endian.
    """
    data = image.tobytes() if spec.dtype == model_pb2.DATA_TYPE_UINT8 else _scaled(image, spec.scale, spec.offset)
    return inference_pb2.Tensor(dtype=spec.dtype, shape=[image.height, image.width, 3], data=data)


def _scaled(image: Image.Image, scale: float, offset: float) -> bytes:
    values = array("f", bytes(4 * 3 * image.width * image.height))
    for channel, band in enumerate(image.split()):
        plane = band.convert("F").point(lambda level: level * scale + offset)
        values[channel::3] = array("f", plane.tobytes())
    if sys.byteorder == "big":
        values.byteswap()
    return values.tobytes()
