"""The views of an epoch: which pictures it shows in which order, and how each view is made."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from verger.v1 import model_pb2

from trainer.views.augmentation import Augmentation, random_view
from trainer.views.synthetic_negatives import synthetic_negative

ALIKE = 3
"""Other pictures of a class that a shelf may show."""
SYNTHETIC = -1
"""Stands for the picture of a synthetic negative."""


@dataclass(frozen=True)
class View:
    """A random view of a picture. It follows from the seed, so threads and restarts do not change it."""

    picture: int
    """Number of the picture in the album, or SYNTHETIC."""
    target: int
    """Class index."""
    seed: tuple[int, ...]


class Album:
    """Numbered pictures with their class indices, of which an epoch shows one view each."""

    def __init__(
        self, open_picture: Callable[[int], Image.Image], targets: NDArray[np.int64], synthetic: tuple[int, int]
    ) -> None:
        """Does not open any picture yet.

        Args:
            open_picture: returns a picture as RGB, given its number. Threads call it at the same time.
            targets: class indices of the pictures, shape [n].
            synthetic: number of synthetic negatives that every epoch shows as well, and their class index.
        """
        self._open = open_picture
        count, target = synthetic
        self._pictures = np.concatenate([np.arange(len(targets)), np.full(count, SYNTHETIC)])
        self._targets = np.concatenate([targets, np.full(count, target)])
        self._alike = {int(target): np.flatnonzero(targets == target) for target in np.unique(targets)}

    def __len__(self) -> int:
        """Returns the number of views of an epoch."""
        return len(self._pictures)

    def views(self, seed: tuple[int, ...]) -> list[View]:
        """Returns the views of an epoch. Order and seeds of the views follow from `seed`, which differs for each."""
        order = np.random.default_rng(seed).permutation(len(self))
        return [View(int(self._pictures[i]), int(self._targets[i]), (*seed, int(i))) for i in order]

    def pixels(self, view: View, spec: model_pb2.Preprocessing, augmentation: Augmentation) -> NDArray[np.uint8]:
        """Returns a view as uint8 pixels of shape [height, width, 3]."""
        random = np.random.default_rng(view.seed)
        if view.picture == SYNTHETIC:
            return synthetic_negative(spec.height, spec.width, random)
        return random_view(self._open(view.picture), spec, augmentation, random, partial(self._others, view, random))

    def _others(self, view: View, random: np.random.Generator) -> Sequence[Image.Image]:
        return [self._open(int(number)) for number in random.choice(self._alike[view.target], ALIKE)]
