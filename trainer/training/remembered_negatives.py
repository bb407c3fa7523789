"""What a version remembers of pictures of none of its classes: their features by its own backbone, not the pictures.

A version that is trained on the same backbone learns them again, is calibrated on them again and is measured on them
again, so that it goes on refusing what the version before refused. Another backbone sees other features: there they are
of no use. What was none of the classes may be one of other classes: then they are not used either.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import keras
import numpy as np
from numpy.typing import NDArray
from verger.v1 import model_pb2

from engine.errors import ModelCorrupt
from engine.model.session import OnnxSession
from trainer.data.augment import Augmentation
from trainer.data.dataset import Dataset, Picture, class_indices
from trainer.data.names import group_of
from trainer.data.views import shuffled_views
from trainer.evaluation.features import outputs, outputs_of_views
from trainer.evaluation.scoring import Recalled
from trainer.network.assembly import feature_graph
from trainer.network.backbone import FEATURES

Floats = NDArray[np.float32]
Texts = NDArray[np.str_]

MOST_ROWS = 2000
"""Of each part: 1.6 MB in the file. More pictures than that are remembered as a random sample."""
_DIGITS = 16
"""Of a picture's digest: enough to know it again."""


@dataclass(frozen=True)
class Rows:
    """n negatives as one backbone sees them."""

    features: Floats
    """Pooled, shape [n, 1280]."""
    digests: Texts
    """The first digits of each picture's digest."""
    groups: Texts

    def __len__(self) -> int:
        return len(self.features)

    def without(self, pictures: Iterable[Picture]) -> "Rows":
        """Those that are not of these pictures."""
        known = {picture.digest[:_DIGITS] for picture in pictures}
        kept = np.array([digest not in known for digest in self.digests], bool)
        return Rows(self.features[kept], self.digests[kept], self.groups[kept])

    def joined(self, others: "Rows") -> "Rows":
        """These and then the others, as far as there is room."""
        return Rows(
            np.concatenate([self.features, others.features])[:MOST_ROWS],
            np.concatenate([self.digests, others.digests])[:MOST_ROWS],
            np.concatenate([self.groups, others.groups])[:MOST_ROWS],
        )

    def answers(self, head: keras.Model) -> Recalled:
        """What dense layers on that backbone say to them."""
        logits = np.asarray(head(self.features, training=False))
        return Recalled(logits, [f"remembered_{group}" for group in self.groups])


@dataclass(frozen=True)
class Memory:
    """Remembered negatives in the parts that their pictures fell into."""

    lessons: Rows
    """To learn on: random views, some of them of nothing at all, as an epoch shows them."""
    validation: Rows
    """To calibrate and to measure with: whole pictures."""

    def __len__(self) -> int:
        return len(self.lessons) + len(self.validation)

    @property
    def digest(self) -> str:
        """Lower-case hexadecimal SHA-256 of all features."""
        return hashlib.sha256(self.lessons.features.tobytes() + self.validation.features.tobytes()).hexdigest()

    def without(self, dataset: Dataset) -> "Memory":
        """What there is no picture of in the data set."""
        pictures = [*dataset.negatives, *dataset.validation_negatives]
        return Memory(self.lessons.without(pictures), self.validation.without(pictures))

    def joined(self, other: "Memory") -> "Memory":
        """This one and then the other, as far as there is room."""
        return Memory(self.lessons.joined(other.lessons), self.validation.joined(other.validation))

    def write(self, path: Path) -> None:
        """Writes the file that `read` reads. Rounding the features to float16 moves logits by less than 0.001."""
        arrays = {
            f"{part}.{name}": values.astype(np.float16) if name == "features" else values
            for part, rows in vars(self).items()
            for name, values in vars(rows).items()
        }
        np.savez_compressed(path, allow_pickle=False, **arrays)

    @classmethod
    def read(cls, path: Path) -> "Memory":
        """Raises ModelCorrupt when the file holds something else."""
        try:
            with np.load(path, allow_pickle=False) as file:
                parts = [_checked(*(file[f"{part}.{name}"] for name in _COLUMNS)) for part in _PARTS]
        except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
            raise ModelCorrupt(f"{path} can't be read as remembered negatives: {error}") from error
        return cls(*parts)


_PARTS, _COLUMNS = ("lessons", "validation"), ("features", "digests", "groups")
_NO_ROWS = Rows(np.zeros((0, FEATURES), np.float32), np.zeros(0, np.str_), np.zeros(0, np.str_))
NOTHING = Memory(_NO_ROWS, _NO_ROWS)


def fits(known: Collection[str], labels: Collection[str]) -> bool:
    """Whether negatives of a version with the classes `known` are negatives for the classes `labels`, too."""
    return set(labels) <= set(known)


def remember(
    backbone: keras.Model,
    dataset: Dataset,
    spec: model_pb2.Preprocessing,
    augmentation: Augmentation,
    seed: tuple[int, ...],
    workers: int,
) -> Memory:
    """The negatives of a data set as a backbone sees them, once training has made it what it is.

    Args:
        seed: of the views.
    """
    if not (dataset.negatives or dataset.validation_negatives):
        return NOTHING
    with feature_graph(backbone) as graph:
        runtime = OnnxSession(graph)
    views = shuffled_views(dataset.negatives, class_indices(dataset.negatives, dataset.labels), seed)[:MOST_ROWS]
    seen = outputs_of_views(runtime, views, spec, augmentation, workers)
    whole = dataset.validation_negatives[:MOST_ROWS]
    return Memory(
        _rows(seen, [view.picture for view in views]),
        _rows(outputs(runtime, whole, spec, workers), whole),
    )


def _rows(features: Iterable[Floats], pictures: Sequence[Picture]) -> Rows:
    if not pictures:
        return _NO_ROWS
    digests = [picture.digest[:_DIGITS] for picture in pictures]
    return Rows(np.stack(list(features)), np.array(digests), np.array([group_of(picture.path) for picture in pictures]))


def _checked(features: NDArray[np.float16], digests: Texts, groups: Texts) -> Rows:
    if features.shape != (len(digests), FEATURES) or len(groups) != len(digests):
        raise ValueError(f"it holds features of shape {features.shape} of {len(digests)} pictures")
    return Rows(features.astype(np.float32), digests, groups)
