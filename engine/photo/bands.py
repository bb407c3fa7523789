"""Converts and resizes a large picture band by band, so that no second copy of its full size is made.

The result equals that of converting and resizing the whole picture, to the last bit: Pillow resizes in two passes, one
for each axis, and rounds to 8 bits between them. The first pass needs no more than one row or column at a time.
"""

from collections.abc import Callable

from PIL import Image
from PIL.Image import Transpose

MAX_BAND_PIXELS = 500_000
"""Pixels that are converted at a time; a band takes a few bytes for each."""

Box = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels."""

ToRgb = Callable[[Image.Image], Image.Image]
"""Converts a part of a picture to RGB. Each pixel of the result may depend on that pixel alone."""


def resize_in_bands(
    image: Image.Image,
    to_rgb: ToRgb,
    transpose: Transpose | None,
    size: tuple[int, int],
    resampling: Image.Resampling,
) -> Image.Image:
    """Turns a picture by `transpose`, converts it by `to_rgb`, and resizes it to `size` (width, height).

    At least one axis must shrink.
    """
    width, height = _upright_size(image, transpose)
    columns_first = _columns_first(width, height, size)
    half_done = Image.new("RGB", (width, size[1]) if columns_first else (size[0], height))
    length = height if columns_first else width
    for start, end in _spans(width if columns_first else height, max(1, MAX_BAND_PIXELS // length)):
        box = (start, 0, end, height) if columns_first else (0, start, width, end)
        band = to_rgb(_upright_part(image, transpose, box))
        shrunk = (end - start, size[1]) if columns_first else (size[0], end - start)
        half_done.paste(band.resize(shrunk, resampling), (start, 0) if columns_first else (0, start))
    return half_done.resize(size, resampling)


def _upright_size(image: Image.Image, transpose: Transpose | None) -> tuple[int, int]:
    """Width and height of a picture after turning it by `transpose`."""
    swaps = (Transpose.ROTATE_90, Transpose.ROTATE_270, Transpose.TRANSPOSE, Transpose.TRANSVERSE)
    return (image.height, image.width) if transpose in swaps else image.size


def _columns_first(width: int, height: int, size: tuple[int, int]) -> bool:
    """Whether Pillow shrinks the columns before the rows (found by experiment with Pillow 13; a test compares)."""
    return height - size[1] > 2 * (width - size[0])


def _spans(length: int, step: int) -> list[tuple[int, int]]:
    return [(start, min(length, start + step)) for start in range(0, length, step)]


def _upright_part(image: Image.Image, transpose: Transpose | None, box: Box) -> Image.Image:
    """Cuts out the part that lies in `box` after turning, and turns it."""
    part = image.crop(_box_before(image.size, transpose, box))
    return part if transpose is None else part.transpose(transpose)


def _box_before(size: tuple[int, int], transpose: Transpose | None, box: Box) -> Box:
    """Where a box of the turned picture lies in the picture of `size` that is not turned yet."""
    (width, height), (left, top, right, bottom) = size, box
    boxes: dict[Transpose | None, Box] = {
        None: box,
        Transpose.FLIP_LEFT_RIGHT: (width - right, top, width - left, bottom),
        Transpose.FLIP_TOP_BOTTOM: (left, height - bottom, right, height - top),
        Transpose.ROTATE_180: (width - right, height - bottom, width - left, height - top),
        Transpose.TRANSPOSE: (top, left, bottom, right),
        Transpose.TRANSVERSE: (width - bottom, height - right, width - top, height - left),
        Transpose.ROTATE_90: (width - bottom, left, width - top, right),
        Transpose.ROTATE_270: (top, height - right, bottom, height - left),
    }
    return boxes[transpose]
