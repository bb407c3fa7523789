"""Reads a folder of photos as a data set: finds, decodes and checks its pictures, and assigns them to parts.

trainer.data.folders describes the layouts. Where there are class folders alone, trainer.data.split assigns 80 % of the
pictures to training and 20 % to testing. Unless the folder has a validation part, it is split off the training pictures
in the same way; it serves for model selection and calibration.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from verger.v1 import model_pb2

from engine.errors import InvalidArgument
from engine.photo.alike import hash_or_digest
from engine.photo.decoding import decode
from engine.photo.opening import Limits
from trainer.data.dataset import Contradiction, DataFolders, Dataset, Overlap, Picture, TestPart, Unreadable
from trainer.data.folders import (
    Folders,
    extra_parts,
    files_of,
    find_parts,
    labels_of,
    negative_parts,
    refuse_unknown,
)
from trainer.data.names import folder_names, read_own_names
from trainer.data.pictures import map_in_threads
from trainer.data.split import by_digest, is_for_validation, train_and_test, train_and_validation, without_overlap
from trainer.errors import DatasetInvalid
from trainer.progress import OnProgress


def load_dataset(folders: DataFolders, spec: model_pb2.Preprocessing, workers: int, progress: OnProgress) -> Dataset:
    """Reads and checks all pictures of a data set. Some of the negatives are kept for validation.

    Args:
        spec: decoding that serving will use.

    Raises:
        DatasetInvalid: a folder does not exist, there are fewer than two classes, a class has no picture, or the parts
            have different classes.
    """
    home, parts, notes = find_parts(folders.root)
    labels = labels_of(parts)
    extra, outside = extra_parts(folders.extra, labels), negative_parts(folders.negatives)
    held_out = negative_parts(folders.held_out, "held out")
    pictures, unreadable = _read({**parts, **extra, **outside, **held_out}, spec, workers, progress)
    pictures, contradictions = _without_contradictions(pictures)
    negatives = [picture for name in outside for picture in pictures[name]]
    kept_apart = [picture for name in held_out for picture in pictures[name]]
    added = [picture for name in extra for picture in pictures[name]]
    train, test, overlap = train_and_test(pictures, added)
    losses = _losses(unreadable, contradictions)
    _refuse_empty_classes(labels, train, "train", losses)
    _refuse_empty_classes(labels, test, "test", losses, overlap)
    elsewhere, seen, unreadable_elsewhere = load_elsewhere(
        folders.elsewhere, labels, [*train, *added], spec, workers, progress
    )
    train, validation = train_and_validation(train, pictures.get("validation", []))
    kept = {picture.digest for picture in validation}
    validating = [*(picture for picture in negatives if is_for_validation(picture.digest)), *kept_apart]
    return Dataset(
        folders=folders,
        labels=labels,
        train=[*train, *(picture for picture in added if picture.digest not in kept)],
        validation=validation,
        test=test,
        negatives=[picture for picture in negatives if not is_for_validation(picture.digest)],
        validation_negatives=[*{picture.digest: picture for picture in validating}.values()],
        elsewhere=elsewhere,
        overlap=[*overlap, *seen],
        contradictions=contradictions,
        unreadable=[*unreadable, *unreadable_elsewhere],
        own_names=read_own_names(home),
        notes=notes,
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


def load_elsewhere(
    folders: Sequence[Path],
    labels: Collection[str],
    train: Sequence[Picture],
    spec: model_pb2.Preprocessing,
    workers: int,
    progress: OnProgress,
) -> tuple[Mapping[str, Sequence[Picture]], Sequence[Overlap], Sequence[Unreadable]]:
    """Reads all pictures of folders of class folders, for testing; a folder may have fewer classes than `labels`.

    Args:
        train: pictures that were trained on; copies of them are left out.

    Raises:
        DatasetInvalid: a folder does not exist, or has no or other classes.
    """
    read, unreadable = _read(extra_parts(folders, labels), spec, workers, progress)
    found: dict[str, Sequence[Picture]] = {}
    overlap: list[Overlap] = []
    for folder, pictures in zip(folders, read.values(), strict=True):
        found[folder_names([folder])], copies = without_overlap(pictures, train)
        overlap += copies
    return found, overlap, unreadable


def load_test_part(
    root: Path, labels: Collection[str], spec: model_pb2.Preprocessing, workers: int, progress: OnProgress
) -> TestPart:
    """Reads the test part for a model of the classes `labels`, without pictures that are also in the training part.

    The folder may have fewer classes than the model. Unreadable training files are not reported.

    Raises:
        DatasetInvalid: as in load_dataset, or the folder has a class that the model doesn't know.
    """
    _, parts, notes = find_parts(root)
    found = labels_of(parts)
    refuse_unknown(found, labels, root)
    pictures, unreadable = _read(parts, spec, workers, progress)
    tested = [home for part in ("test", "all") for homes in parts.get(part, {}).values() for home in homes]
    unreadable = [file for file in unreadable if any(file.path.is_relative_to(home) for home in tested)]
    pictures, contradictions = _without_contradictions(pictures)
    _, test, overlap = train_and_test(pictures, [])
    _refuse_empty_classes(found, test, "test", _losses(unreadable, contradictions), overlap)
    return TestPart(test, overlap, contradictions, unreadable, notes)


def _without_contradictions(
    pictures: Mapping[str, Sequence[Picture]],
) -> tuple[dict[str, list[Picture]], list[Contradiction]]:
    copies: dict[str, list[Picture]] = defaultdict(list)
    for part in pictures.values():
        for picture in part:
            copies[picture.digest].append(picture)
    wrong = {digest: found for digest, found in copies.items() if len({picture.label for picture in found}) > 1}
    kept = {name: [picture for picture in part if picture.digest not in wrong] for name, part in pictures.items()}
    return kept, [Contradiction(found) for found in wrong.values()]


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
    return {part: by_digest(found) for part, found in pictures.items()}, unreadable


def _check(path: Path, label: str, spec: model_pb2.Preprocessing) -> Picture | Unreadable:
    """Decodes a file as serving does, so that training does not fail hours later. Truncated files are unreadable."""
    try:
        content = path.read_bytes()
        image = decode(content, spec, Limits())
    except InvalidArgument as error:
        return Unreadable(path, str(error))
    except OSError as error:
        return Unreadable(path, error.strerror or "It can't be read.")
    digest = hashlib.sha256(content).hexdigest()
    return Picture(path, label, digest, hash_or_digest(image, digest))


def _losses(unreadable: Sequence[Unreadable], contradictions: Sequence[Contradiction]) -> str:
    """Says which files were left out, for the message that too few are left."""
    lost = f" {len(unreadable)} files could not be read, {unreadable[0].path} for one." if unreadable else ""
    if contradictions:
        lost += f" {len(contradictions)} lie in several classes, {contradictions[0].copies[0].path} for one."
    return lost


def _refuse_empty_classes(
    labels: Iterable[str], pictures: Sequence[Picture], part: str, losses: str, overlap: Sequence[Overlap] = ()
) -> None:
    empty = sorted(set(labels) - {picture.label for picture in pictures})
    if overlap:
        losses += f" {len(overlap)} show the same photo as a training picture, {overlap[0].test.path} for one."
    if empty:
        raise DatasetInvalid(
            "DATA_CLASS_EMPTY",
            f"No {part} picture is left for {', '.join(empty)}. Add some or remove the folder.{losses}",
        )
