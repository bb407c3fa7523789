"""The head of a version and, where it is cross-validated, a further head for each fold of its examples.

A fold's head learns everything but its fold, in the same steps and from the same views as the head of the version, so
the backbone runs no more often. What it says about its fold is what the version would say about new pictures, if it had
learned a fifth less. So a version can be calibrated on all of its training pictures where few are left for validation.
"""

from collections.abc import Callable, Iterable, Sequence

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from trainer.data.dataset import Picture
from trainer.data.duplicates import photos_of
from trainer.data.folds import LEARNED_BY_ALL, folds_of
from trainer.evaluation.calibration import NOTHING_SEEN, Unseen
from trainer.network.assembly import build_head, with_all_logits
from trainer.network.backbone import FEATURES
from trainer.training.examples import Examples
from trainer.training.recipe import HeadStage
from trainer.views.album import SYNTHETIC, View

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]


class Committee:
    """The heads, and the fold of each example."""

    def __init__(self, examples: Examples, stage: HeadStage, folds: int) -> None:
        """Builds the heads.

        Args:
            folds: 0 for the head of the version alone, else trainer.data.folds.FOLDS.
        """
        sizes = (len(examples.labels), len(examples.auxiliary), stage.units, stage.dropout)
        self.head, *self.fold_heads = (build_head(*sizes) for _ in range(1 + folds))
        self._examples = examples
        count = len(examples.pictures)
        numbers = self._divided() if folds else np.full(count + len(examples.remembered), LEARNED_BY_ALL)
        self._folds, self.remembered_folds = np.split(numbers, [count])

    def _divided(self) -> Numbers:
        examples = self._examples
        photos = photos_of([picture.perceptual_hash for picture in examples.pictures])
        targets = np.concatenate([examples.targets, examples.remembered_targets])
        return folds_of(targets.tolist(), [*photos, *examples.remembered.digests.tolist()])

    def learner(self) -> keras.Model:
        """Returns all heads as one model for training: features [n, 1280] to logits [n, heads, all classes]."""
        features = keras.Input((FEATURES,))
        logits = [with_all_logits(head)(features) for head in (self.head, *self.fold_heads)]
        return keras.Model(features, ops.stack(logits, axis=1))

    def fold_of(self, view: View) -> int:
        """Returns the fold of a view's picture."""
        return LEARNED_BY_ALL if view.picture == SYNTHETIC else int(self._folds[view.picture])

    def rows(self, rows: Floats, folds: Numbers) -> Floats:
        """Turns target rows [n, classes] into those of all heads [n, heads, classes], zeros for what one doesn't learn.

        Args:
            folds: fold of each example, shape [n].
        """
        learns = np.stack([folds != head for head in (None, *range(len(self.fold_heads)))], axis=1)
        return rows[:, None, :] * learns[:, :, None].astype(np.float32)

    def unseen(self, features_of: Callable[[Sequence[Picture]], Iterable[Floats]]) -> Unseen:
        """Asks the head of each fold about the pictures and remembered negatives of that fold.

        Args:
            features_of: returns the features of whole pictures, each of shape [1280].
        """
        if not self.fold_heads:
            return NOTHING_SEEN
        examples = self._examples
        first = {picture.digest: number for number, picture in reversed(list(enumerate(examples.pictures)))}
        asked = np.array([number for number in sorted(first.values()) if self._folds[number] != LEARNED_BY_ALL], int)
        negatives = np.flatnonzero(self.remembered_folds != LEARNED_BY_ALL)
        whole = np.array([*features_of([examples.pictures[number] for number in asked])], np.float32)
        features = np.concatenate([whole.reshape(-1, FEATURES), examples.remembered.features[negatives]])
        folds = np.concatenate([self._folds[asked], self.remembered_folds[negatives]])
        targets = np.concatenate([examples.targets[asked], examples.remembered_targets[negatives]])
        logits = np.zeros((len(features), len(examples.labels)), np.float32)
        for fold in np.unique(folds):
            logits[folds == fold] = np.asarray(self.fold_heads[fold](features[folds == fold], training=False))
        is_known = targets < len(examples.labels)
        return Unseen(logits[is_known], targets[is_known], logits[~is_known])
