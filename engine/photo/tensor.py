"""From a resized picture to the tensor that goes to inference. Pure; Pillow and the standard library do all of it, so
that this service carries no array library.
"""

import sys
from array import array

from PIL import Image
from verger.v1 import inference_pb2, model_pb2


def to_tensor(image: Image.Image, spec: model_pb2.Preprocessing) -> inference_pb2.Tensor:
    """Packs an RGB picture as the contract wants it on the wire: pixels as they are, or pixel * scale + offset."""
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
