"""Writes the photos of a version into a folder, each checked by its digest. What is there already stays there."""

import hashlib
import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from verger.v1 import collection_pb2, datasets_pb2

from dataset_client.client import DatasetClient, Reference
from dataset_client.errors import CollectionAway, DatasetCorrupt
from engine.dataset import NEGATIVE_LABEL, TEST, TRAIN, Entry, dataset_digest
from engine.labels import can_name_a_folder

OnProgress: TypeAlias = Callable[[int, int], None]
"""Receives how many photos are done and how many there are."""

NEGATIVES = "negatives"
"""Folder of photos of none of the classes, beside those of the sides."""

SIDES = {datasets_pb2.DATASET_SIDE_TRAIN: TRAIN, datasets_pb2.DATASET_SIDE_TEST: TEST}

MAX_ATTEMPTS = 6
"""How often a stream is begun anew that has brought no photo."""


@dataclass(frozen=True)
class Fetched:
    """A version and its photos that are still kept."""

    dataset: datasets_pb2.Dataset
    photos: Sequence[datasets_pb2.DatasetPhoto]

    @property
    def reference(self) -> Reference:
        """What names the version."""
        return Reference(self.dataset.classifier, self.dataset.version)


def list_version(client: DatasetClient, reference: Reference) -> Fetched:
    """Returns a version with all its photos, checked by its digest.

    Raises:
        DatasetCorrupt: they are not those of the digest, or a label is none that a folder may have.
        CollectionRefused, CollectionAway: there is no such version, or no answer.
    """
    for _ in range(MAX_ATTEMPTS):  # photos may be deleted while they are listed
        dataset = client.version(reference)
        photos = list(client.photos(dataset))
        made_of = sum(found.train_count + found.test_count for found in dataset.classes)
        if len(photos) == made_of - dataset.deleted_count:
            break
    if dataset.deleted_count == 0 and dataset_digest(map(entry_of, photos)) != dataset.digest:
        raise DatasetCorrupt(
            f"The photos of {reference} are not those that it was made of. Its digest is {dataset.digest[:12]}."
        )
    for photo in photos:
        if photo.label != NEGATIVE_LABEL and not can_name_a_folder(photo.label):
            raise DatasetCorrupt(f"{reference} has the class {photo.label!r}, which can't be the name of a folder.")
    return Fetched(dataset, photos)


def entry_of(photo: datasets_pb2.DatasetPhoto) -> Entry:
    """Returns what names the photo's place in the version."""
    return Entry(SIDES[photo.side], photo.label, photo.photo.digest)


def place_of(photo: datasets_pb2.DatasetPhoto) -> PurePosixPath:
    """Returns where the photo lies in a folder: SIDE/CLASS/FILE, or negatives/SIDE/FILE.

    File names tell photos of the field from imported ones, which are evaluated apart then. They have no other words.
    """
    origin = "imported" if photo.photo.source == collection_pb2.PHOTO_SOURCE_IMPORT else "field"
    name = f"{origin}_{int(photo.photo.photo_id, 16)}.jpg"
    side = SIDES[photo.side]
    return PurePosixPath(*((NEGATIVES, side) if photo.label == NEGATIVE_LABEL else (side, photo.label)), name)


def fetch_photos(
    client: DatasetClient, places: Mapping[Path, datasets_pb2.DatasetPhoto], progress: OnProgress
) -> Sequence[Path]:
    """Writes each photo to its path, unless it is there. Returns the paths of those that have been deleted meanwhile.

    Raises:
        DatasetCorrupt: the collection sends other bytes than a photo's digest names.
        CollectionRefused, CollectionAway: it does not go on, or not after several attempts.
    """
    missing = {photo.photo.photo_id: (path, photo.photo.digest) for path, photo in places.items()}
    for path, photo in places.items():
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == photo.photo.digest:
            del missing[photo.photo.photo_id]
    deleted: list[Path] = []
    attempts = 0
    while missing:
        before = len(missing)
        try:
            for response in client.fetch(list(missing)):
                path, digest = missing.pop(response.photo_id)
                if response.image:
                    _write(path, response.image, digest)
                else:
                    path.unlink(missing_ok=True)
                    deleted.append(path)
                progress(len(places) - len(missing), len(places))
        except CollectionAway:
            attempts = 0 if len(missing) < before else attempts + 1
            if attempts == MAX_ATTEMPTS:
                raise
            time.sleep(min(0.5 * 2**attempts, 10))
    progress(len(places), len(places))
    return deleted


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file that is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        unfinished.write_bytes(content)
        os.replace(unfinished, path)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink()
        raise


def _write(path: Path, image: bytes, digest: str) -> None:
    if hashlib.sha256(image).hexdigest() != digest:
        raise DatasetCorrupt(f"The collection has sent other bytes than those of the photo {digest[:12]}.")
    write_whole(path, image)
