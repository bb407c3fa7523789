"""A folder of photos as a data set: which picture belongs to which class and part, and what can't be used.

The layouts are those of trainer.data.folders. Where it finds class folders alone, each picture's bytes decide
whether it is for training (80 %) or testing (20 %), for ever. A validation part is
taken from the training pictures in the same way; it serves for choices and for calibration.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import InvalidArgument
from engine.photo.decoding import Limits, decode
from trainer.data.duplicates import nearest, perceptual_hash
from trainer.data.folders import (
    NONE,
    Folders,
    files_of,
    find_parts,
    further_parts,
    labels_of,
    negative_parts,
    refuse_unknown,
)
from trainer.data.names import read_own_names
from trainer.data.pictures import map_in_threads
from trainer.data.preprocessing import mobilenet_preprocessing
from trainer.errors import DatasetInvalid
from trainer.tracking.progress import OnProgress

TEST_SHARE = 0.20
VALIDATION_SHARE = 0.15

NO_CLASS = -1
"""The class index of a negative."""


@dataclass(frozen=True)
class Picture:
    """A picture that can be decoded."""

    path: Path
    label: str
    digest: str
    """SHA-256 of the file."""
    likeness: int
    """Of trainer.data.duplicates; for a blank page the beginning of the digest, so that it is like itself only."""

    @property
    def short_name(self) -> str:
        """For people: the file with its folder."""
        return f"{self.path.parent.name}/{self.path.name}"


@dataclass(frozen=True)
class Overlap:
    """A test picture that shows the same photo as a training picture. It is left out: having seen it proves nothing."""

    test: Picture
    train: Picture


@dataclass(frozen=True)
class Unreadable:
    """A file that was left out, and why."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Dataset:
    """Parts that share no picture, over the same classes. Sorted by digest, whatever the names are."""

    root: Path
    """The folder that it was loaded from."""
    more: Sequence[Path]
    """Folders of further training pictures."""
    negative_folders: Sequence[Path]
    labels: Sequence[str]
    train: Sequence[Picture]
    validation: Sequence[Picture]
    test: Sequence[Picture]
    negatives: Sequence[Picture]
    """Pictures of none of the classes, to learn on."""
    validation_negatives: Sequence[Picture]
    overlap: Sequence[Overlap]
    """What was taken out of `test`."""
    unreadable: Sequence[Unreadable]
    own_names: Mapping[str, Mapping[str, str]]

    @property
    def lessons(self) -> Sequence[Picture]:
        """All that is learned on: training pictures and negatives."""
        return [*self.train, *self.negatives]

    @property
    def digest(self) -> str:
        """Lower-case hexadecimal SHA-256 over part, label and content of all pictures; file names don't count."""
        parts = (("train", [*self.lessons, *self.validation, *self.validation_negatives]), ("test", self.test))
        lines = sorted(f"{part}/{picture.label}/{picture.digest}" for part, pictures in parts for picture in pictures)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def class_indices(pictures: Iterable[Picture], labels: Sequence[str]) -> NDArray[np.int64]:
    """The number of each picture's class in `labels`, shape [n]; NO_CLASS for negatives."""
    numbers = {NONE: NO_CLASS, **{label: number for number, label in enumerate(labels)}}
    return np.array([numbers[picture.label] for picture in pictures], np.int64)


def load_dataset(
    root: Path, more: Sequence[Path], negatives: Sequence[Path], workers: int, progress: OnProgress
) -> Dataset:
    """Reads and checks all pictures of a data folder.

    Args:
        more: folders of class folders with further pictures, all of them for training. Validation and test stay those
            of `root`. A folder that is named twice counts twice.
        negatives: folders of pictures of none of the classes, in whatever subfolders; some are kept for validation.

    Raises:
        DatasetInvalid: no such folder, fewer than two classes, a class without a picture, or parts of other classes.
    """
    home, parts = find_parts(root)
    labels = labels_of(parts)
    further, outside = further_parts(more, labels), negative_parts(negatives)
    pictures, unreadable = _read({**parts, **further, **outside}, workers, progress)
    strangers = [picture for name in outside for picture in pictures[name]]
    added = [picture for name in further for picture in pictures[name]]
    train, test = _train_and_test(pictures)
    test, overlap = _without_overlap(test, [*train, *added])
    _refuse_empty_classes(labels, train, "train", unreadable, [])
    _refuse_empty_classes(labels, test, "test", unreadable, overlap)
    return Dataset(
        root=root,
        more=more,
        negative_folders=negatives,
        labels=labels,
        train=[*(picture for picture in train if not _falls_in_validation(picture)), *added],
        validation=[picture for picture in train if _falls_in_validation(picture)],
        test=test,
        negatives=[picture for picture in strangers if not _falls_in_validation(picture)],
        validation_negatives=[
            *{picture.digest: picture for picture in strangers if _falls_in_validation(picture)}.values()
        ],
        overlap=overlap,
        unreadable=unreadable,
        own_names=read_own_names(home),
    )


def load_negatives(
    folders: Sequence[Path], workers: int, progress: OnProgress
) -> tuple[Sequence[Picture], Sequence[Unreadable]]:
    """Reads all pictures of folders as pictures of none of the classes.

    Raises:
        DatasetInvalid: there is no such folder.
    """
    pictures, unreadable = _read(negative_parts(folders), workers, progress)
    return [picture for part in pictures.values() for picture in part], unreadable


def load_test_part(
    root: Path, labels: Collection[str], workers: int, progress: OnProgress
) -> tuple[Sequence[Picture], Sequence[Overlap], Sequence[Unreadable]]:
    """Reads the test part for a model that knows `labels`; the training part only to know its pictures again.

    The folder may have fewer classes than the model. Broken training files are nobody's business here.

    Raises:
        DatasetInvalid: as load_dataset, or the folder has a class that the model doesn't know.
    """
    home, parts = find_parts(root)
    found = labels_of(parts)
    refuse_unknown(found, labels, root)
    pictures, unreadable = _read(parts, workers, progress)
    unreadable = [file for file in unreadable if not file.path.is_relative_to(home / "train")]
    train, test = _train_and_test(pictures)
    test, overlap = _without_overlap(test, train)
    _refuse_empty_classes(found, test, "test", unreadable, overlap)
    return test, overlap, unreadable


def _train_and_test(pictures: Mapping[str, list[Picture]]) -> tuple[list[Picture], list[Picture]]:
    if "all" not in pictures:
        return pictures["train"], pictures["test"]
    parts: tuple[list[Picture], list[Picture]] = [], []
    for picture in pictures["all"]:
        parts[_falls_in_test(picture)].append(picture)
    return parts


def _without_overlap(test: Sequence[Picture], train: Sequence[Picture]) -> tuple[list[Picture], list[Overlap]]:
    found = nearest([picture.likeness for picture in test], [picture.likeness for picture in train])
    pairs = list(zip(test, found, strict=True))
    overlap = [Overlap(picture, train[place]) for picture, place in pairs if place is not None]
    return [picture for picture, place in pairs if place is None], overlap


def _read(
    parts: Mapping[str, Folders], workers: int, progress: OnProgress
) -> tuple[dict[str, list[Picture]], list[Unreadable]]:
    files = files_of(parts)
    pictures: dict[str, list[Picture]] = {part: [] for part in parts}
    unreadable: list[Unreadable] = []
    checked = map_in_threads(lambda file: _check(file[2], file[1]), files, workers)
    for done, ((part, _, _), picture) in enumerate(zip(files, checked, strict=True), start=1):
        if isinstance(picture, Picture):
            pictures[part].append(picture)
        else:
            unreadable.append(picture)
        progress(done, len(files))
    for found in pictures.values():
        found.sort(key=lambda picture: (picture.digest, picture.label))
    return pictures, unreadable


def _check(path: Path, label: str) -> Picture | Unreadable:
    """Decodes a file as serving would, so that nothing fails hours later. Truncated files are unreadable."""
    try:
        content = path.read_bytes()
        image = decode(content, mobilenet_preprocessing(), Limits())
    except InvalidArgument as error:
        return Unreadable(path, str(error))
    except OSError as error:
        return Unreadable(path, error.strerror or "It can't be read.")
    digest, likeness = hashlib.sha256(content).hexdigest(), perceptual_hash(image)
    return Picture(path, label, digest, int(digest[:16], 16) if likeness is None else likeness)


def _refuse_empty_classes(
    labels: Iterable[str],
    pictures: Sequence[Picture],
    part: str,
    unreadable: Sequence[Unreadable],
    overlap: Sequence[Overlap],
) -> None:
    empty = sorted(set(labels) - {picture.label for picture in pictures})
    if empty:
        lost = f" {len(unreadable)} files could not be read, {unreadable[0].path} for one." if unreadable else ""
        if overlap:
            lost += f" {len(overlap)} show the same photo as a training picture, {overlap[0].test.path} for one."
        raise DatasetInvalid(
            "DATA_CLASS_EMPTY",
            f"No {part} picture is left for {', '.join(empty)}. Add some or remove the folder.{lost}",
        )


def _falls_in_test(picture: Picture) -> bool:
    return int(picture.digest[:8], 16) < TEST_SHARE * 2**32


def _falls_in_validation(picture: Picture) -> bool:
    return int(picture.digest[8:16], 16) < VALIDATION_SHARE * 2**32
