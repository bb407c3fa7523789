"""A folder of photos as a data set: which picture belongs to which class and part, and what can't be used.

The layouts are those of trainer.folders. Where it finds class folders alone, each picture's bytes decide whether it is
for training (80 %) or testing (20 %), for ever. A validation part is taken from the training pictures in the same way;
it serves for choices and for calibration.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.common.errors import InvalidArgument
from services.preprocess.image import Limits, decode
from trainer.errors import DatasetInvalid
from trainer.folders import (
    NONE,
    Folders,
    files_of,
    find_parts,
    further_parts,
    labels_of,
    negative_parts,
    refuse_unknown,
)
from trainer.names import read_own_names
from trainer.pictures import map_in_threads
from trainer.preprocessing import mobilenet_preprocessing
from trainer.watch import OnProgress

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
    if "all" in pictures:
        pictures = {
            "train": [picture for picture in pictures["all"] if not _falls_in_test(picture)],
            "test": [picture for picture in pictures["all"] if _falls_in_test(picture)],
        }
    for part in ("train", "test"):
        _refuse_empty_classes(labels, pictures[part], part, unreadable)
    strangers = [picture for name in outside for picture in pictures[name]]
    return Dataset(
        root=root,
        more=more,
        negative_folders=negatives,
        labels=labels,
        train=[
            *(picture for picture in pictures["train"] if not _falls_in_validation(picture)),
            *(picture for name in further for picture in pictures[name]),
        ],
        validation=[picture for picture in pictures["train"] if _falls_in_validation(picture)],
        test=pictures["test"],
        negatives=[picture for picture in strangers if not _falls_in_validation(picture)],
        validation_negatives=[
            *{picture.digest: picture for picture in strangers if _falls_in_validation(picture)}.values()
        ],
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
) -> tuple[Sequence[Picture], Sequence[Unreadable]]:
    """Reads the test part only, for a model that knows `labels`. The folder may have fewer classes than the model.

    Raises:
        DatasetInvalid: as load_dataset, or the folder has a class that the model doesn't know.
    """
    _, parts = find_parts(root)
    wanted = {name: folders for name, folders in parts.items() if name != "train"}
    found = labels_of(wanted)
    refuse_unknown(found, labels, root)
    pictures, unreadable = _read(wanted, workers, progress)
    test = [picture for part in pictures.values() for picture in part if "test" in wanted or _falls_in_test(picture)]
    _refuse_empty_classes(found, test, "test", unreadable)
    return test, unreadable


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
        decode(content, mobilenet_preprocessing(), Limits())
    except InvalidArgument as error:
        return Unreadable(path, str(error))
    except OSError as error:
        return Unreadable(path, error.strerror or "It can't be read.")
    return Picture(path, label, hashlib.sha256(content).hexdigest())


def _refuse_empty_classes(
    labels: Iterable[str], pictures: Sequence[Picture], part: str, unreadable: Sequence[Unreadable]
) -> None:
    empty = sorted(set(labels) - {picture.label for picture in pictures})
    if empty:
        lost = f" {len(unreadable)} files could not be read, {unreadable[0].path} for one." if unreadable else ""
        raise DatasetInvalid(
            "DATA_CLASS_EMPTY",
            f"No {part} picture is left for {', '.join(empty)}. Add some or remove the folder.{lost}",
        )


def _falls_in_test(picture: Picture) -> bool:
    return int(picture.digest[:8], 16) < TEST_SHARE * 2**32


def _falls_in_validation(picture: Picture) -> bool:
    return int(picture.digest[8:16], 16) < VALIDATION_SHARE * 2**32
