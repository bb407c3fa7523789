"""Order of an epoch's views, and the seed of each view."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from verger.v1 import model_pb2

from trainer.data.augment import Augmentation, random_view
from trainer.data.dataset import NO_CLASS, Picture
from trainer.data.pictures import open_picture
from trainer.data.synthetic_negatives import synthetic_negative

SYNTHETIC_SHARE = 0.25
"""Share of the views of negatives that are replaced by synthetic negatives."""


@dataclass(frozen=True)
class View:
    """A random view of a picture. It follows from the seed, so threads and restarts do not change it."""

    picture: Picture
    target: int
    seed: tuple[int, ...]

    def pixels(self, spec: model_pb2.Preprocessing, augmentation: Augmentation) -> NDArray[np.uint8]:
        """Returns the view as uint8 pixels of shape [height, width, 3]."""
        random = np.random.default_rng(self.seed)
        if self.target == NO_CLASS and random.random() < SYNTHETIC_SHARE:
            return synthetic_negative(spec.height, spec.width, random)
        return random_view(open_picture(self.picture.path, spec), spec, augmentation, random)


def shuffled_views(pictures: Sequence[Picture], targets: NDArray[np.int64], seed: tuple[int, ...]) -> list[View]:
    """Returns one view of every picture. Order and seeds of the views follow from `seed`, which differs for each epoch.

    Args:
        targets: class indices of the pictures, shape [n].
    """
    order = np.random.default_rng(seed).permutation(len(pictures))
    return [View(pictures[i], int(targets[i]), (*seed, int(i))) for i in order]
