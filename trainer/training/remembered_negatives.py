"""Remembered negatives: backbone features of negatives, which a version keeps instead of their pictures.

A version that is trained on the same backbone learns them again, and is calibrated and evaluated on them, so it refuses
what the version before refused. Another backbone computes other features, so they are useless to it. For new classes,
those that may show one of these are left out.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import keras
import numpy as np
from numpy.typing import NDArray

from engine.errors import ModelCorrupt
from engine.model.session import OnnxSession
from trainer.data.dataset import Dataset, Picture
from trainer.data.names import groups_of, kind_of
from trainer.data.pictures import open_picture
from trainer.evaluation.scoring import NegativeLogits
from trainer.graphs.features import outputs, outputs_of_views
from trainer.network.assembly import feature_graph
from trainer.network.backbone import FEATURES
from trainer.training.context import RunContext
from trainer.training.suitable_negatives import show_none_of
from trainer.views.album import Album

Floats = NDArray[np.float32]
Texts = NDArray[np.str_]

MAX_NEGATIVES = 2000
"""Negatives of each part that a version remembers, which take up to 1.6 MB in the file. It keeps a random sample."""
_DIGEST_DIGITS = 16
"""Digits of a picture's digest that are kept to recognise the picture."""


@dataclass(frozen=True)
class NegativeFeatures:
    """Features of n negatives, computed by one backbone."""

    features: Floats
    """Pooled features, shape [n, 1280]."""
    digests: Texts
    """First digits of each picture's digest."""
    kinds: Texts
    """What each negative shows, see trainer.data.names.kind_of."""

    def __len__(self) -> int:
        return len(self.features)

    def without(self, pictures: Iterable[Picture]) -> "NegativeFeatures":
        """Removes the features of these pictures."""
        known = {picture.digest[:_DIGEST_DIGITS] for picture in pictures}
        return self.where(np.array([digest not in known for digest in self.digests], bool))

    def where(self, chosen: NDArray[np.bool_]) -> "NegativeFeatures":
        """Returns those that a mask of shape [n] chooses."""
        return NegativeFeatures(self.features[chosen], self.digests[chosen], self.kinds[chosen])

    def followed_by(self, others: "NegativeFeatures") -> "NegativeFeatures":
        """Concatenates both and keeps the first MAX_NEGATIVES."""
        return NegativeFeatures(
            np.concatenate([self.features, others.features])[:MAX_NEGATIVES],
            np.concatenate([self.digests, others.digests])[:MAX_NEGATIVES],
            np.concatenate([self.kinds, others.kinds])[:MAX_NEGATIVES],
        )

    def logits(self, head: keras.Model) -> NegativeLogits:
        """Returns the logits of a head on the same backbone."""
        logits = np.asarray(head(self.features, training=False))
        return NegativeLogits(logits, [f"remembered_{group}" for group in groups_of(self.kinds.tolist())])


@dataclass(frozen=True)
class RememberedNegatives:
    """Remembered negatives of both parts."""

    training: NegativeFeatures
    """For training: random views as in an epoch."""
    validation: NegativeFeatures
    """For calibration and evaluation: whole pictures."""

    def __len__(self) -> int:
        return len(self.training) + len(self.validation)

    @property
    def digest(self) -> str:
        """Lower-case hexadecimal SHA-256 of all features."""
        return hashlib.sha256(self.training.features.tobytes() + self.validation.features.tobytes()).hexdigest()

    def without(self, dataset: Dataset) -> "RememberedNegatives":
        """Removes those whose picture is among the negatives of a data set."""
        pictures = [*dataset.negatives, *dataset.validation_negatives]
        return RememberedNegatives(self.training.without(pictures), self.validation.without(pictures))

    def that_show_none_of(self, labels: Collection[str], classes: Sequence[Floats]) -> "RememberedNegatives":
        """Removes those that may show one of these classes; see trainer.training.suitable_negatives.show_none_of."""
        features = np.concatenate([self.training.features, self.validation.features])
        kinds = [*self.training.kinds.tolist(), *self.validation.kinds.tolist()]
        chosen = show_none_of(labels, classes, features, kinds)
        training, validation = np.split(chosen, [len(self.training)])
        return RememberedNegatives(self.training.where(training), self.validation.where(validation))

    def followed_by(self, others: "RememberedNegatives") -> "RememberedNegatives":
        """Concatenates each part and keeps the first MAX_NEGATIVES."""
        return RememberedNegatives(
            self.training.followed_by(others.training), self.validation.followed_by(others.validation)
        )

    def write(self, path: Path) -> None:
        """Writes negatives.npz. Rounding the features to float16 changes logits by less than 0.001."""
        arrays = {
            f"{_PARTS_IN_FILE[part]}.{_COLUMNS_IN_FILE[name]}": values.astype(np.float16)
            if name == "features"
            else values
            for part, negatives in vars(self).items()
            for name, values in vars(negatives).items()
        }
        np.savez_compressed(path, allow_pickle=False, **arrays)

    @classmethod
    def read(cls, path: Path) -> "RememberedNegatives":
        """Reads negatives.npz. Raises ModelCorrupt when the file holds something else."""
        try:
            with np.load(path, allow_pickle=False) as file:
                parts = {
                    part: _checked(*(file[f"{name}.{column}"] for column in _COLUMNS_IN_FILE.values()))
                    for part, name in _PARTS_IN_FILE.items()
                }
        except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
            raise ModelCorrupt(f"{path} can't be read as remembered negatives: {error}") from error
        return cls(**parts)


# Names of parts and columns in the files of existing versions.
_PARTS_IN_FILE = {"training": "lessons", "validation": "validation"}
_COLUMNS_IN_FILE = {"features": "features", "digests": "digests", "kinds": "groups"}
_NO_FEATURES = NegativeFeatures(np.zeros((0, FEATURES), np.float32), np.zeros(0, np.str_), np.zeros(0, np.str_))
NO_NEGATIVES = RememberedNegatives(_NO_FEATURES, _NO_FEATURES)


def extract_negatives(context: RunContext, backbone: keras.Model) -> RememberedNegatives:
    """Computes the features of a data set's negatives, by the backbone that training ended with.

    The training part consists of the views that one more epoch of the head would show.
    """
    dataset, stage, spec = context.dataset, context.recipe.head, context.preprocessing
    if not (dataset.negatives or dataset.validation_negatives):
        return NO_NEGATIVES
    with feature_graph(backbone) as graph:
        runtime = OnnxSession(graph)
    pictures = dataset.negatives
    album = Album(lambda number: open_picture(pictures[number].path, spec), np.zeros(len(pictures), np.int64), (0, 0))
    views = album.views((context.seed, 0, stage.epochs))[:MAX_NEGATIVES]
    seen = outputs_of_views(
        runtime, views, lambda view: album.pixels(view, spec, stage.augmentation), spec, context.workers
    )
    whole = dataset.validation_negatives[:MAX_NEGATIVES]
    return RememberedNegatives(
        _features(seen, [pictures[view.picture] for view in views]),
        _features(outputs(runtime, whole, spec, context.workers), whole),
    )


def _features(features: Iterable[Floats], pictures: Sequence[Picture]) -> NegativeFeatures:
    if not pictures:
        return _NO_FEATURES
    digests = [picture.digest[:_DIGEST_DIGITS] for picture in pictures]
    kinds = [kind_of(picture.path) for picture in pictures]
    return NegativeFeatures(np.stack(list(features)), np.array(digests), np.array(kinds))


def _checked(features: NDArray[np.float16], digests: Texts, kinds: Texts) -> NegativeFeatures:
    if features.shape != (len(digests), FEATURES) or len(kinds) != len(digests):
        raise ValueError(f"it holds features of shape {features.shape} of {len(digests)} pictures")
    return NegativeFeatures(features.astype(np.float32), digests, kinds)
