"""Which picture is seen when, and how: the order of an epoch and the seed of each of its views."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from verger.v1 import model_pb2

from trainer.data.augment import Augmentation, random_view
from trainer.data.dataset import NO_CLASS, Picture
from trainer.data.pictures import open_picture
from trainer.data.synthetic_negatives import nonsense

NONSENSE_CHANCE = 0.25
"""Share of the views of negatives that show nothing at all."""


@dataclass(frozen=True)
class View:
    """One sight of one picture. The seed decides what it looks like, so threads and restarts change nothing."""

    picture: Picture
    target: int
    seed: tuple[int, ...]

    def pixels(self, spec: model_pb2.Preprocessing, augmentation: Augmentation) -> NDArray[np.uint8]:
        """The view as pixels of shape [height, width, 3]."""
        random = np.random.default_rng(self.seed)
        if self.target == NO_CLASS and random.random() < NONSENSE_CHANCE:
            return nonsense(spec.height, spec.width, random)
        return random_view(open_picture(self.picture.path, spec), spec, augmentation, random)


def shuffled_views(pictures: Sequence[Picture], targets: NDArray[np.int64], seed: tuple[int, ...]) -> list[View]:
    """One view of every picture, in an order and with seeds that follow from `seed`, another for each epoch."""
    order = np.random.default_rng(seed).permutation(len(pictures))
    return [View(pictures[i], int(targets[i]), (*seed, int(i))) for i in order]
