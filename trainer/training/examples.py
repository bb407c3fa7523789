"""What a run learns from: pictures and remembered negatives, each with the number of its class.

The data set's classes come first. Where there are negatives, auxiliary classes follow: one for each kind of negative
(trainer.data.negative_kinds), and the last one for synthetic negatives.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

import keras
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.model.session import OnnxSession
from trainer.data.dataset import Picture, class_indices
from trainer.data.names import kind_of
from trainer.data.negative_kinds import divide
from trainer.graphs.features import outputs
from trainer.network.assembly import feature_graph
from trainer.training.context import RunContext
from trainer.training.remembered_negatives import NO_NEGATIVES, NegativeFeatures
from trainer.views.album import Album

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]

SYNTHETIC = "synthetic"
"""Label of the auxiliary class of synthetic negatives."""
SYNTHETIC_SHARE = 0.1
"""Number of synthetic negatives in an epoch over that of other negatives."""


MAX_REPEATS = 4
"""Views of each picture of a class in an epoch, at most. There are more than one where negatives outnumber the classes,
which would otherwise learn too little in the few epochs of a frozen backbone."""


@dataclass(frozen=True)
class Examples:
    """What every epoch shows."""

    pictures: Sequence[Picture]
    """Training pictures, perhaps several times, and then the negatives for training."""
    targets: Numbers
    """Class of each picture, shape [n]."""
    remembered: NegativeFeatures
    remembered_targets: Numbers
    """Class of each remembered negative, shape [m]."""
    labels: Sequence[str]
    """The data set's classes."""
    auxiliary: Sequence[str]
    """Auxiliary classes, which follow those of the data set; none if there are no negatives."""

    @property
    def classes(self) -> int:
        """Number of all classes."""
        return len(self.labels) + len(self.auxiliary)

    @property
    def synthetic(self) -> tuple[int, int]:
        """How many synthetic negatives an epoch shows beside the pictures, and their class."""
        negatives = int((self.targets >= len(self.labels)).sum()) + len(self.remembered)
        return ceil(SYNTHETIC_SHARE * negatives), self.classes - 1

    def album(self, open_picture: Callable[[int], Image.Image]) -> Album:
        """Returns the views of the pictures and of synthetic negatives.

        Args:
            open_picture: returns one of `pictures` as RGB, given its index.
        """
        return Album(open_picture, self.targets, self.synthetic)

    def rows(self, targets: Numbers, smoothing: float) -> Floats:
        """Turns class numbers of shape [n] into target rows of shape [n, classes], whose sums are 1.

        Label smoothing stays on one side: a picture of a class gives probability to the other classes of the data set,
        a negative to the other auxiliary classes. So it does not weaken what tells both sides apart.
        """
        is_known = np.arange(self.classes) < len(self.labels)
        sides = np.where(targets[:, None] < len(self.labels), is_known, ~is_known)
        rows: Floats = (sides * (smoothing / sides.sum(axis=1, keepdims=True))).astype(np.float32)
        rows[np.arange(len(targets)), targets] += 1 - smoothing
        return rows


def collect_examples(
    context: RunContext, backbone: keras.Model, remembered: NegativeFeatures = NO_NEGATIVES.training
) -> Examples:
    """Numbers the classes of a run.

    Args:
        remembered: negatives with features computed by this backbone.
    """
    dataset = context.dataset
    unique = list({picture.digest: picture for picture in dataset.negatives}.values())

    def features_of(members: Numbers) -> Floats:
        pictures = [unique[number] for number in members[members < len(unique)]]
        found = [remembered.features[members[members >= len(unique)] - len(unique)]]
        if pictures:
            with feature_graph(backbone) as graph:
                features = outputs(OnnxSession(graph), pictures, context.preprocessing, context.workers)
                found.insert(0, np.stack(list(features)))
        return np.concatenate(found)

    kinds = divide([*(kind_of(picture.path) for picture in unique), *remembered.kinds.tolist()], features_of)
    auxiliary = [*sorted(set(kinds)), SYNTHETIC] if kinds else []
    numbers = [len(dataset.labels) + auxiliary.index(kind) for kind in kinds]
    by_digest = {picture.digest: number for picture, number in zip(unique, numbers, strict=False)}
    negatives = np.array([by_digest[picture.digest] for picture in dataset.negatives], np.int64)
    times = min(MAX_REPEATS, max(1, round((len(negatives) + len(remembered)) / len(dataset.train))))
    train = [*dataset.train] * times
    return Examples(
        pictures=[*train, *dataset.negatives],
        targets=np.concatenate([class_indices(train, dataset.labels), negatives]),
        remembered=remembered,
        remembered_targets=np.array(numbers[len(unique) :], np.int64),
        labels=dataset.labels,
        auxiliary=auxiliary,
    )
