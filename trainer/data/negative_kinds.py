"""Divides negatives into kinds, each of which becomes an auxiliary class in training. Pure.

A network that has learned papaya and tomato as classes of their own tells them from mango and apple better than one
that has learned them as "none of the classes". Kinds come from folders and file names; what nobody named is divided by
its look.
"""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

Floats = NDArray[np.float32]

MIN_PICTURES = 8
"""Pictures of a kind below which it is one with the other rare kinds of its folder."""
MAX_PICTURES = 100
"""Pictures of a kind above which it is divided by look."""
CLUSTER_PICTURES = 50
"""Mean number of pictures of what a kind is divided into."""


def divide(kinds: Sequence[str], features_of: Callable[[NDArray[np.int64]], Floats]) -> list[str]:
    """Returns the final kind of each negative.

    Args:
        kinds: folder and name of each negative, "folder/name", see trainer.data.names.kind_of.
        features_of: returns features of shape [m, features] of m negatives, given their indices. It is called once for
            all large kinds, if there are any.
    """
    counts = Counter(kinds)
    merged = [kind if counts[kind] >= MIN_PICTURES else f"{kind.rpartition('/')[0]}/*" for kind in kinds]
    totals = Counter(merged)
    members = np.array([number for number, kind in enumerate(merged) if totals[kind] > MAX_PICTURES], np.int64)
    if not len(members):
        return merged
    features, names = features_of(members), np.array(merged)[members]
    for kind in sorted(set(names.tolist())):
        clusters = _clusters(features[names == kind])
        for member, cluster in zip(members[names == kind].tolist(), clusters.tolist(), strict=True):
            merged[member] = f"{kind} {cluster + 1}"
    return merged


def _clusters(features: Floats) -> NDArray[np.int32]:
    """Returns the cluster of each row, shape [m], by k-means on directions."""
    directions = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-9)
    means = KMeans(len(features) // CLUSTER_PICTURES, n_init=2, random_state=0)
    found: NDArray[np.int32] = means.fit_predict(directions)
    return found
