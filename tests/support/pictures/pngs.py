"""Writes PNG files chunk by chunk, sound and faulty ones."""

import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

GREY, COLOUR, PALETTE, COLOUR_WITH_ALPHA = 0, 2, 3, 6
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, data: bytes = b"", fault: int = 0) -> bytes:
    """Returns a chunk; `fault` is added to its checksum."""
    checksum = (zlib.crc32(kind + data) + fault) % 2**32
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def png(pixels: NDArray[Any], *ancillary: bytes, colour_type: int = GREY, bits: int = 0, after: bytes = b"") -> bytes:
    """Encodes pixels of shape [height, width] or [height, width, samples], of dtype uint8 or uint16.

    Args:
        ancillary: chunks before the pixels.
        bits: bits of a sample if they are fewer than 8: 1, 2 or 4.
        after: chunks after the pixels.
    """
    height, width = pixels.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, bits or 8 * pixels.dtype.itemsize, colour_type, 0, 0, 0)
    if bits:
        digits = (pixels[..., None] >> np.arange(bits - 1, -1, -1, dtype=np.uint8)) & 1
        rows = np.packbits(digits.reshape(height, -1), axis=1)
    else:
        rows = pixels.astype(pixels.dtype.newbyteorder(">")).reshape(height, -1).view(np.uint8)
    filtered = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1)
    data = chunk(b"IDAT", zlib.compress(filtered.tobytes()))
    return b"".join([SIGNATURE, chunk(b"IHDR", header), *ancillary, data, after, chunk(b"IEND")])
