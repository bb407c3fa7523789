"""A folder of photos as a data set: the class and part of each picture, and the files that can't be used.

trainer.data.folders describes the layouts. Where there are class folders alone, a digest of each picture's bytes
assigns it to training (80 %) or testing (20 %), so the assignment never changes. The validation part is split off the
training pictures in the same way; it serves for model selection and calibration.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from verger.v1 import model_pb2

from engine.errors import InvalidArgument
from engine.photo.decoding import decode
from engine.photo.opening import Limits
from trainer.data.duplicates import nearest, perceptual_hash
from trainer.data.folders import (
    NEGATIVE_LABEL,
    Folders,
    extra_parts,
    files_of,
    find_parts,
    labels_of,
    negative_parts,
    refuse_unknown,
)
from trainer.data.names import read_own_names
from trainer.data.pictures import map_in_threads
from trainer.errors import DatasetInvalid
from trainer.progress import OnProgress

TEST_SHARE = 0.20
VALIDATION_SHARE = 0.15

NO_CLASS = -1
"""Class index of a negative."""


@dataclass(frozen=True)
class Picture:
    """A picture that can be decoded."""

    path: Path
    label: str
    digest: str
    """SHA-256 of the file."""
    perceptual_hash: int
    """See trainer.data.duplicates. For a blank picture it is the start of `digest`, which only copies share."""

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
class Unreadable:
    """A file that could not be read and was left out."""

    path: Path
    reason: str


@dataclass(frozen=True)
class DataFolders:
    """Folders that a data set is loaded from."""

    root: Path
    """Data folder with train/ and test/ parts, or with class folders."""
    extra: Sequence[Path] = ()
    """Folders of class folders with more pictures for training only. A folder that is named twice counts twice."""
    negatives: Sequence[Path] = ()
    """Folders of pictures of none of the classes, in any subfolders."""


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
    overlap: Sequence[Overlap]
    """Pictures that were removed from `test`."""
    unreadable: Sequence[Unreadable]
    own_names: Mapping[str, Mapping[str, str]]
    """Display names from the folder's classes.json, by label and language."""

    @property
    def training_examples(self) -> Sequence[Picture]:
        """Training pictures and then the negatives for training."""
        return [*self.train, *self.negatives]

    @property
    def digest(self) -> str:
        """Lower-case hexadecimal SHA-256 over part, label and content of all pictures, without their file names."""
        parts = (
            ("train", [*self.training_examples, *self.validation, *self.validation_negatives]),
            ("test", self.test),
        )
        lines = sorted(f"{part}/{picture.label}/{picture.digest}" for part, pictures in parts for picture in pictures)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def class_indices(pictures: Iterable[Picture], labels: Sequence[str]) -> NDArray[np.int64]:
    """Returns the index of each picture's class in `labels`, shape [n]; NO_CLASS for negatives."""
    numbers = {NEGATIVE_LABEL: NO_CLASS, **{label: number for number, label in enumerate(labels)}}
    return np.array([numbers[picture.label] for picture in pictures], np.int64)


def load_dataset(folders: DataFolders, spec: model_pb2.Preprocessing, workers: int, progress: OnProgress) -> Dataset:
    """Reads and checks all pictures of a data set. Some of the negatives are kept for validation.

    Args:
        spec: decoding that serving will use.

    Raises:
        DatasetInvalid: a folder does not exist, there are fewer than two classes, a class has no picture, or the parts
            have different classes.
    """
    home, parts = find_parts(folders.root)
    labels = labels_of(parts)
    extra, outside = extra_parts(folders.extra, labels), negative_parts(folders.negatives)
    pictures, unreadable = _read({**parts, **extra, **outside}, spec, workers, progress)
    negatives = [picture for name in outside for picture in pictures[name]]
    added = [picture for name in extra for picture in pictures[name]]
    train, test = _train_and_test(pictures)
    test, overlap = _without_overlap(test, [*train, *added])
    _refuse_empty_classes(labels, train, "train", unreadable, [])
    _refuse_empty_classes(labels, test, "test", unreadable, overlap)
    return Dataset(
        folders=folders,
        labels=labels,
        train=[*(picture for picture in train if not _is_for_validation(picture)), *added],
        validation=[picture for picture in train if _is_for_validation(picture)],
        test=test,
        negatives=[picture for picture in negatives if not _is_for_validation(picture)],
        validation_negatives=[
            *{picture.digest: picture for picture in negatives if _is_for_validation(picture)}.values()
        ],
        overlap=overlap,
        unreadable=unreadable,
        own_names=read_own_names(home),
    )


def load_negatives(
    folders: Sequence[Path], spec: model_pb2.Preprocessing, workers: int, progress: OnProgress
) -> tuple[Sequence[Picture], Sequence[Unreadable]]:
    """Reads all pictures of folders as negatives.

    Raises:
        DatasetInvalid: a folder does not exist.
    """
    pictures, unreadable = _read(negative_parts(folders), spec, workers, progress)
    return [picture for part in pictures.values() for picture in part], unreadable


def load_test_part(
    root: Path, labels: Collection[str], spec: model_pb2.Preprocessing, workers: int, progress: OnProgress
) -> tuple[Sequence[Picture], Sequence[Overlap], Sequence[Unreadable]]:
    """Reads the test part for a model of the classes `labels`, without pictures that are also in the training part.

    The folder may have fewer classes than the model. Unreadable training files are not reported.

    Raises:
        DatasetInvalid: as in load_dataset, or the folder has a class that the model doesn't know.
    """
    home, parts = find_parts(root)
    found = labels_of(parts)
    refuse_unknown(found, labels, root)
    pictures, unreadable = _read(parts, spec, workers, progress)
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
        parts[_is_for_testing(picture)].append(picture)
    return parts


def _without_overlap(test: Sequence[Picture], train: Sequence[Picture]) -> tuple[list[Picture], list[Overlap]]:
    found = nearest([picture.perceptual_hash for picture in test], [picture.perceptual_hash for picture in train])
    pairs = list(zip(test, found, strict=True))
    overlap = [Overlap(picture, train[place]) for picture, place in pairs if place is not None]
    return [picture for picture, place in pairs if place is None], overlap


def _read(
    parts: Mapping[str, Folders], spec: model_pb2.Preprocessing, workers: int, progress: OnProgress
) -> tuple[dict[str, list[Picture]], list[Unreadable]]:
    files = files_of(parts)
    pictures: dict[str, list[Picture]] = {part: [] for part in parts}
    unreadable: list[Unreadable] = []
    checked = map_in_threads(lambda file: _check(file[2], file[1], spec), files, workers)
    for done, ((part, _, _), picture) in enumerate(zip(files, checked, strict=True), start=1):
        if isinstance(picture, Picture):
            pictures[part].append(picture)
        else:
            unreadable.append(picture)
        progress(done, len(files))
    for found in pictures.values():
        found.sort(key=lambda picture: (picture.digest, picture.label))
    return pictures, unreadable


def _check(path: Path, label: str, spec: model_pb2.Preprocessing) -> Picture | Unreadable:
    """Decodes a file as serving does, so that training does not fail hours later. Truncated files are unreadable."""
    try:
        content = path.read_bytes()
        image = decode(content, spec, Limits())
    except InvalidArgument as error:
        return Unreadable(path, str(error))
    except OSError as error:
        return Unreadable(path, error.strerror or "It can't be read.")
    digest, hashed = hashlib.sha256(content).hexdigest(), perceptual_hash(image)
    return Picture(path, label, digest, int(digest[:16], 16) if hashed is None else hashed)


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


def _is_for_testing(picture: Picture) -> bool:
    return int(picture.digest[:8], 16) < TEST_SHARE * 2**32


def _is_for_validation(picture: Picture) -> bool:
    return int(picture.digest[8:16], 16) < VALIDATION_SHARE * 2**32
