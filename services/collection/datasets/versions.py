"""What is known of dataset versions. No clock, no database, no wire."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from services.collection.facts import Photo


class Counts(NamedTuple):
    """How many photos of a class a version has on each side."""

    train: int
    test: int


@dataclass(frozen=True)
class Version:
    """A version as it was made, and how many of its photos have been deleted since."""

    classifier: str
    version: int
    digest: str
    made_at: datetime
    made_by: str
    classes: Mapping[str, Counts]
    deleted: int


class Made(NamedTuple):
    """What became of the wish for a version."""

    version: Version
    is_new: bool
    left_out: int
    """Labelled photos that resemble photos of both sides."""


class Member(NamedTuple):
    """A photo in a version."""

    photo: Photo
    label: str
    """Its class in this version; empty for none of the classes."""

    side: str
