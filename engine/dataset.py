"""What names the content of a data set, wherever its pictures lie. Pure."""

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

TRAIN, TEST = "train", "test"
"""The sides of a data set: what a model learns from, and what it is tested on."""

NEGATIVE_LABEL = ""
"""Label of a negative: a picture of none of the classes."""


class Entry(NamedTuple):
    """A picture in a data set."""

    side: str
    """TRAIN or TEST."""

    label: str
    """Its class, or NEGATIVE_LABEL."""

    digest: str
    """SHA-256 of its file, in lower-case hexadecimal digits."""


def dataset_digest(entries: Iterable[Entry]) -> str:
    """Returns the lower-case hexadecimal SHA-256 over side, label and content of all pictures, in any order."""
    return hashlib.sha256("\n".join(sorted(map("/".join, entries))).encode()).hexdigest()
