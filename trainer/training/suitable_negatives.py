"""Chooses the negatives of another version that show none of a data set's classes. Pure.

A version for other classes may have learned a tomato as a negative, and now tomatoes are to be a class. What the
negatives of a kind show is told by its name and by its features.
"""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.labels import label_of
from trainer.data.names import NO_GROUP, singulars_of

Floats = NDArray[np.float32]

ALIKE_PERCENTILE = 25
"""A negative is like a class if it is as near to one of its pictures as three quarters of these are to another one."""
MIN_ALIKE_SHARE = 1 / 3
"""Share of a kind that is like a class, from which none of the kind is used: what is rare in a class is in it, too."""


def show_none_of(
    labels: Collection[str], classes: Sequence[Floats], features: Floats, kinds: Sequence[str]
) -> NDArray[np.bool_]:
    """Returns which of n negatives show none of the classes, shape [n].

    Planted with half of the pictures of one of 47 kinds, the negatives of the release lost 98 % of the other half and
    0.8 % of everything else. By likeness alone, without the share of each kind, 72 % and 1.8 %.

    Args:
        labels: labels of the classes.
        classes: features of pictures of each class, shape [pictures, features] each.
        features: features of the negatives by the same backbone, shape [n, features].
        kinds: what each negative shows, see trainer.data.names.kind_of.
    """
    named = {kind for kind in set(kinds) if _is_named_as_one_of(labels, kind)}
    excluded = np.array([kind in named for kind in kinds], bool)
    negatives = _directions(features)
    for pictures in classes:
        excluded |= _are_alike(_directions(pictures), negatives)
    for kind in set(kinds):
        members = np.array(kinds, dtype=object) == kind
        if excluded[members].mean() >= MIN_ALIKE_SHARE:
            excluded |= members
    found: NDArray[np.bool_] = ~excluded
    return found


def _is_named_as_one_of(labels: Collection[str], kind: str) -> bool:
    """Compares by singular and plural: "shop/grapes" and "grapes/others" are named as the class "grape"."""
    folder, _, group = kind.rpartition("/")
    name = singulars_of(label_of(folder if group == NO_GROUP else group))
    return any(name & singulars_of(label) for label in labels)


def _are_alike(pictures: Floats, negatives: Floats) -> NDArray[np.bool_]:
    """Compares by the cosine similarity to the nearest picture of the class."""
    if len(pictures) == 1:  # which does not tell how alike the pictures of the class are
        return np.zeros(len(negatives), bool)
    among_themselves = pictures @ pictures.T
    np.fill_diagonal(among_themselves, -1)
    threshold = np.percentile(among_themselves.max(axis=1), ALIKE_PERCENTILE)
    alike: NDArray[np.bool_] = (negatives @ pictures.T).max(axis=1) >= threshold
    return alike


def _directions(features: Floats) -> Floats:
    directions: Floats = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-9)
    return directions
