"""Writes TIFF files in any combination of bits, sample format, colours, planes, tiles, byte order and compression."""

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[Any]

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR, LAB = 0, 1, 2, 3, 5, 6, 8
SEPARATE = 2
DEFLATE = 8

_FORMATS = {"u": 1, "i": 2, "f": 3}
_SHORT, _LONG = 3, 4


def tiff(
    pixels: Pixels,
    photometric: int = BLACK_IS_ZERO,
    order: str = "<",
    planes: int = 1,
    compression: int = 1,
    predictor: int = 1,
    tile: int = 0,
    rows: int = 0,
    bits: int = 0,
    extra: Sequence[int] = (),
    further: Sequence[tuple[int, int, Sequence[int]]] = (),
    big: bool = False,
) -> bytes:
    """Encodes pixels of shape [height, width] or [height, width, samples]; their dtype gives bits and sample format.

    Args:
        order: byte order, < or >.
        planes: PlanarConfiguration, 1 or 2.
        compression: 1 or DEFLATE; others are only declared.
        predictor: 2 stores differences of neighbours.
        tile: side of tiles, a multiple of 16; 0 makes strips.
        rows: rows of a strip; 0 makes one strip.
        bits: bits of a sample if they are fewer than the dtype's: 1, 2, 4 or 12.
        extra: values of ExtraSamples.
        further: further tags, as (tag, type, values).
        big: whether it is a BigTIFF.
    """
    height, width = pixels.shape[:2]
    whole = pixels.reshape(height, width, -1)
    samples, bits = whole.shape[2], bits or 8 * pixels.dtype.itemsize
    layers = [whole] if planes == 1 else [whole[..., number : number + 1] for number in range(samples)]
    blocks = [
        _encoded(block, order, bits, predictor, compression)
        for layer in layers
        for block in _blocks(layer, tile, rows or height)
    ]
    tags: list[tuple[int, int, Sequence[int]]] = [
        (256, _LONG, [width]),
        (257, _LONG, [height]),
        (258, _SHORT, [bits] * samples),
        (259, _SHORT, [compression]),
        (262, _SHORT, [photometric]),
        (277, _SHORT, [samples]),
        (284, _SHORT, [planes]),
        (317, _SHORT, [predictor]),
        (339, _SHORT, [_FORMATS[pixels.dtype.kind]] * samples),
        *([(338, _SHORT, extra)] if extra else []),
        *([(322, _LONG, [tile]), (323, _LONG, [tile])] if tile else [(278, _LONG, [rows or height])]),
        *further,
    ]
    return _file(blocks, tags, order, big, 324 if tile else 273, 325 if tile else 279)


def _blocks(layer: Pixels, tile: int, rows: int) -> Iterator[Pixels]:
    height, width = layer.shape[:2]
    if not tile:
        yield from (layer[top : top + rows] for top in range(0, height, rows))
        return
    padded = np.pad(layer, ((0, -height % tile), (0, -width % tile), (0, 0)), mode="edge")
    for top in range(0, height, tile):
        yield from (padded[top : top + tile, left : left + tile] for left in range(0, width, tile))


def _encoded(block: Pixels, order: str, bits: int, predictor: int, compression: int) -> bytes:
    if predictor == 2:
        block = np.concatenate([block[:, :1], np.diff(block, axis=1)], axis=1)
    if bits < 8 * block.dtype.itemsize:
        data = b"".join(_packed(row.ravel(), bits) for row in block)
    else:
        data = block.astype(block.dtype.newbyteorder(order)).tobytes()
    return zlib.compress(data) if compression == DEFLATE else data


def _packed(row: Pixels, bits: int) -> bytes:
    digits = (row.astype(np.uint16)[:, None] >> np.arange(bits - 1, -1, -1)) & 1
    return np.packbits(digits.astype(np.uint8)).tobytes()


def _file(
    blocks: list[bytes], tags: list[tuple[int, int, Sequence[int]]], order: str, big: bool, offsets: int, counts: int
) -> bytes:
    """Puts the blocks after the header, then the values that don't fit into the directory, then the directory."""
    data, places = b"", []
    head = 16 if big else 8
    for block in blocks:
        places.append(head + len(data))
        data += block + b"\0" * (len(block) % 2)
    tags = sorted([*tags, (offsets, _LONG, places), (counts, _LONG, [len(block) for block in blocks])])
    entries = b""
    for tag, kind, values in tags:
        packed = struct.pack(f"{order}{len(values)}{'H' if kind == _SHORT else 'I'}", *values)
        room = 8 if big else 4
        if len(packed) > room:
            place = head + len(data)
            data += packed + b"\0" * (len(packed) % 2)
            packed = struct.pack(order + ("Q" if big else "I"), place)
        entries += struct.pack(order + ("HHQ" if big else "HHI"), tag, kind, len(values)) + packed.ljust(room, b"\0")
    mark = b"II" if order == "<" else b"MM"
    place = head + len(data)
    header = struct.pack(order + "HHHQ", 43, 8, 0, place) if big else struct.pack(order + "HI", 42, place)
    count, end = struct.pack(order + ("Q" if big else "H"), len(tags)), bytes(8 if big else 4)
    return mark + header + data + count + entries + end
