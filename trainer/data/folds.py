"""Divides examples into folds, for measuring on pictures that all learn from. Pure.

In cross-validation, a network that learned all folds but one is asked about that one, so each picture is asked about
once by a network that has not seen it.
"""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

FOLDS = 5
LEARNED_BY_ALL = -1
"""Stands for the fold of an example that is in none."""


def folds_of(classes: Sequence[int], photos: Sequence[Hashable]) -> NDArray[np.int64]:
    """Returns the fold of each example, 0 to FOLDS - 1 or LEARNED_BY_ALL, shape [n].

    All examples of a photo are in one fold, because a network recognises a photo that it has learned. Each class is
    divided as evenly as its photos allow. The only photo of a class is in no fold: without it a network does not know
    that there is such a class.

    Args:
        classes: class of each example.
        photos: what is equal for all examples of one photo.
    """
    found: dict[tuple[int, Hashable], int] = {}
    dealt = 0
    for number in sorted(set(classes)):
        of_class = dict.fromkeys(photo for photo, other in zip(photos, classes, strict=True) if other == number)
        for photo in of_class:
            found[number, photo] = dealt % FOLDS if len(of_class) > 1 else LEARNED_BY_ALL
            dealt += 1
    return np.array([found[key] for key in zip(classes, photos, strict=True)], np.int64)
