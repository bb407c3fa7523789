"""What a data set is: pictures with their classes, in parts, and what was left out of them. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.dataset import TEST, TRAIN, Entry, dataset_digest


@dataclass(frozen=True)
class Picture:
    """A picture that can be decoded."""

    path: Path
    label: str
    digest: str
    """SHA-256 of the file."""
    perceptual_hash: int
    """See engine.photo.alike. For a blank picture it is the start of `digest`, which only copies share."""

    @property
    def short_name(self) -> str:
        """File name with its folder, for messages."""
        return f"{self.path.parent.name}/{self.path.name}"


@dataclass(frozen=True)
class Overlap:
    """A test picture that shows the same photo as a training picture, and is therefore left out of the test part."""

    test: Picture
    train: Picture


@dataclass(frozen=True)
class Contradiction:
    """One picture that lies in several classes. None of its copies is used, since nobody knows which one is right."""

    copies: Sequence[Picture]


@dataclass(frozen=True)
class Unreadable:
    """A file that could not be read and was left out."""

    path: Path
    reason: str


@dataclass(frozen=True)
class TestPart:
    """The pictures of a folder that a model is tested on, and what was left out."""

    pictures: Sequence[Picture]
    overlap: Sequence[Overlap]
    contradictions: Sequence[Contradiction]
    unreadable: Sequence[Unreadable]
    notes: Sequence[str]
    """What people should know about how the folder was understood."""


@dataclass(frozen=True)
class Origin:
    """The dataset version of the collection that a data set is."""

    reference: str
    """Such as collection:fruit-classifier@3."""
    digest: str
    """What names the photos that it was made of, see engine.dataset."""
    deleted: int
    """Number of these that have been deleted since."""


@dataclass(frozen=True)
class DataFolders:
    """Folders that a data set is loaded from."""

    root: Path
    """Data folder with train/ and test/ parts, or with class folders."""
    extra: Sequence[Path] = ()
    """Folders of class folders with more pictures for training only. A folder that is named twice counts twice."""
    negatives: Sequence[Path] = ()
    """Folders of pictures of none of the classes, in any subfolders."""
    elsewhere: Sequence[Path] = ()
    """Folders of class folders with pictures from other collections, for testing only."""
    held_out: Sequence[Path] = ()
    """Folders of further pictures of none of the classes, which are not learned: for calibration and for the gate."""
    origin: Origin | None = None
    """What `root` was fetched from, if it was."""

    @property
    def name(self) -> str:
        """What people call the data."""
        return self.origin.reference if self.origin else self.root.resolve().name


@dataclass(frozen=True)
class Dataset:
    """Parts without common pictures, over the same classes. Pictures are sorted by digest."""

    folders: DataFolders
    labels: Sequence[str]
    train: Sequence[Picture]
    validation: Sequence[Picture]
    test: Sequence[Picture]
    negatives: Sequence[Picture]
    """Pictures of none of the classes, for training."""
    validation_negatives: Sequence[Picture]
    elsewhere: Mapping[str, Sequence[Picture]]
    """Test pictures from other collections, by the collection's name."""
    overlap: Sequence[Overlap]
    """Pictures that were removed from `test` and `elsewhere`."""
    contradictions: Sequence[Contradiction]
    unreadable: Sequence[Unreadable]
    own_names: Mapping[str, Mapping[str, str]]
    """Display names from the folder's classes.json, by label and language."""
    notes: Sequence[str]
    """What people should know about how the folder was understood."""

    @property
    def training_examples(self) -> Sequence[Picture]:
        """Training pictures and then the negatives for training."""
        return [*self.train, *self.negatives]

    @property
    def digest(self) -> str:
        """Lower-case hexadecimal SHA-256 over part, label and content of all pictures, without their file names."""
        parts = (
            (TRAIN, [*self.training_examples, *self.validation, *self.validation_negatives]),
            (TEST, self.test),
        )
        return dataset_digest(
            Entry(part, picture.label, picture.digest) for part, pictures in parts for picture in pictures
        )


def class_indices(pictures: Iterable[Picture], labels: Sequence[str]) -> NDArray[np.int64]:
    """Returns the index of each picture's class in `labels`, shape [n]."""
    numbers = {label: number for number, label in enumerate(labels)}
    return np.array([numbers[picture.label] for picture in pictures], np.int64)
