"""Detects copies of a photo, also after scaling, recompression, a change of light or a narrow crop. Needs no NumPy."""

import math
from collections.abc import Sequence
from operator import mul
from statistics import median

from PIL import Image, ImageStat

MAX_DISTANCE_BITS = 6
"""Hashes of the same photo differ in at most this many of their 64 bits; those of other photos in about 32."""

_SIDE, _KEPT = 32, 8
_COSINES = [
    [math.cos(math.pi / _SIDE * row * (column + 0.5)) for column in range(_SIDE)] for row in range(_KEPT)
]  # DCT-II, lowest frequencies
_MIN_CONTRAST = 2
"""Standard deviation in grey levels below which a picture is blank and noise would determine its hash."""


def perceptual_hash(image: Image.Image) -> int | None:
    """Returns a 64-bit pHash, or None for a blank picture, which would equal any other blank one.

    Each bit tells whether one of the lowest frequencies of the grey picture is above their median. See Zauner,
    "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010.
    """
    grey = image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    if ImageStat.Stat(grey).stddev[0] < _MIN_CONTRAST:
        return None
    pixels = grey.tobytes()
    columns = [pixels[column::_SIDE] for column in range(_SIDE)]
    halves = [[_product(cosines, column) for column in columns] for cosines in _COSINES]
    waves = [_product(half, cosines) for half in halves for cosines in _COSINES]
    middle = median(waves[1:])
    return sum((wave > middle) << place for place, wave in enumerate(reversed(waves)))


def hash_or_digest(image: Image.Image, digest: str) -> int:
    """Returns the pHash; for a blank picture the start of its SHA-256 in hexadecimal digits, which copies share."""
    found = perceptual_hash(image)
    return int(digest[:16], 16) if found is None else found


def _product(left: Sequence[float], right: Sequence[float]) -> float:
    total: float = sum(map(mul, left, right))
    return total
