"""Which pictures show the same photo: also after scaling, recompression, a change of light, or a narrow crop. Pure."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ALIKE = 6
"""Two pictures whose hashes differ in no more of their 64 bits show the same photo; others differ in about 32."""

_SIDE, _KEPT = 32, 8
_COSINES = np.cos(np.pi / _SIDE * np.outer(np.arange(_KEPT), np.arange(_SIDE) + 0.5))  # DCT-II, lowest frequencies
_FLAT = 2
"""Grey levels, as a standard deviation. Below that there is nothing to see, and noise would decide."""


def perceptual_hash(image: Image.Image) -> int | None:
    """64 bits: whether each of the lowest frequencies of the grey picture is above their median (pHash).

    See Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010. None for a blank page, which
    would look like any other.
    """
    grey = np.asarray(image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX), np.float64)
    if grey.std() < _FLAT:
        return None
    waves = (_COSINES @ grey @ _COSINES.T).ravel()
    return int.from_bytes(np.packbits(waves > np.median(waves[1:])).tobytes(), "big")


def nearest(hashes: Sequence[int], others: Sequence[int]) -> list[int | None]:
    """For each hash the place in `others` of the one that is most alike, or None when none is alike.

    Takes 8 bytes for each of `others`, and for each hash one pass over them in compiled code: 0.1 ms for 50,000.
    """
    pool: NDArray[np.uint64] = np.array(others, np.uint64)
    found: list[int | None] = []
    for value in hashes if len(pool) else ():
        distances = np.bitwise_count(pool ^ np.uint64(value))
        best = int(distances.argmin())
        found.append(best if distances[best] <= ALIKE else None)
    return found or [None] * len(hashes)
