"""Writes kinds of JPEG that Pillow reads but does not write."""

import base64
import struct

import numpy as np
from numpy.typing import NDArray

ARITHMETIC = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7gYKBTmCNl4x9lnN+"
    "gXz/2wBDARUXFx4aHjshITt8U0ZTfHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHz/yQARCAAgADADASIAAhEB"
    "AxEB/8wACgAQEAUBEBEF/9oADAMBAAIRAxEAPwD/AHbbLzVdO38YhtMMw0SxcdQ1X+Kt7EUCSex4tKkDH4nSh/z5x7lutxSXt6/5cGda62w6TqplKKz5"
    "Cv/Z"
)
"""48 x 32 pixels with arithmetic coding, made by libjpeg-turbo's jpegtran. Red is 5 x, green 7 y, blue 3 (x + y)."""


def segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def with_metadata(photo: bytes, length: int) -> bytes:
    """Puts comments of `length` bytes in all after the first marker of a JPEG."""
    comments = [segment(0xFE, bytes(min(60_000, length - start))) for start in range(0, length, 60_000)]
    return photo[:2] + b"".join(comments) + photo[2:]


def lossless_jpeg(pixels: NDArray[np.uint8], marker: int = 0xC3, bits: int = 8) -> bytes:
    """Encodes grey pixels of shape [height, width] by ITU-T T.81, annex H, each predicted from its left neighbour."""
    height, width = pixels.shape
    predicted = np.empty((height, width), int)
    predicted[:, 1:] = pixels[:, :-1]
    predicted[1:, 0], predicted[0, 0] = pixels[:-1, 0], 1 << (bits - 1)
    differences = (pixels - predicted).ravel().tolist()
    digits = "".join(_code(difference) for difference in differences)
    digits += "1" * (-len(digits) % 8)
    data = bytes(int(digits[place : place + 8], 2) for place in range(0, len(digits), 8)).replace(b"\xff", b"\xff\0")
    frame = struct.pack(">BHHB", bits, height, width, 1) + bytes([1, 0x11, 0])
    table = bytes([0, 0, 0, 0, 9, *[0] * 12, *range(9)])  # nine codes of 4 bits: how many bits a difference has
    scan = bytes([1, 1, 0, 1, 0, 0])
    return b"\xff\xd8" + segment(marker, frame) + segment(0xC4, table) + segment(0xDA, scan) + data + b"\xff\xd9"


def _code(difference: int) -> str:
    size = abs(difference).bit_length()
    extra = difference if difference > 0 else difference + (1 << size) - 1
    return f"{size:04b}" + (f"{extra:0{size}b}" if size else "")
