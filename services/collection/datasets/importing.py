"""Keeps photos that are imported, with their labels and the sides that they should be on."""

import secrets
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple, TypeVar

from services.collection.datasets.records import DatasetRecords
from services.collection.errors import FieldInvalid
from services.collection.facts import Answer, Label, NewPhoto, Source
from services.collection.keeping import Keeper
from services.collection.records.labels import Decider, LabelRecords
from services.collection.records.photos import Added, PhotoRecords
from services.common.capacity.pool import WorkPool

T = TypeVar("T")


class State(StrEnum):
    """What became of a photo to import."""

    ADDED = "added"
    KNOWN = "known"
    OTHER_LABEL = "other_label"
    IMAGE_NEEDED = "image_needed"


class Imported(NamedTuple):
    """A photo to import, without its bytes."""

    classifier: str
    digest: str
    label: Label
    side: str | None

    def new_photo(self, digest: str) -> NewPhoto:
        """Returns the photo to keep, given the digest of the bytes that were sent.

        Raises:
            FieldInvalid: the bytes have another digest than was said.
        """
        if digest != self.digest:
            raise FieldInvalid("“digest” must be the SHA-256 of “image”.", field="digest")
        return NewPhoto(self.classifier, digest, Answer(f"import {digest}", Source.IMPORT))


class Importer:
    """Imports photos. What it is told twice is there once."""

    def __init__(
        self, keeper: Keeper, photos: PhotoRecords, labels: LabelRecords, sides: DatasetRecords, threads: WorkPool
    ) -> None:
        """threads: for work that waits for the database."""
        self._keeper, self._photos, self._labels = keeper, photos, labels
        self._sides, self._threads = sides, threads

    async def take(self, photo: Imported, image: bytes, decider: Decider) -> State:
        """Keeps a photo; without its bytes, only if it is there already.

        Raises:
            InvalidArgument: one of the Image... errors of engine.errors, or FieldInvalid.
            StorageFull, StorageUnavailable, SQLAlchemyError: nothing was kept.
        """
        if image:
            added: Added | None = await self._keeper.add(photo.new_photo, image)
        else:
            added = await self._in_thread(lambda: self._photos.add_known(photo.new_photo(photo.digest)))
        if added is None:
            return State.IMAGE_NEEDED
        kept = added
        return await self._in_thread(lambda: self._label(photo, kept, decider))

    def _label(self, photo: Imported, added: Added, decider: Decider) -> State:
        label = self._labels.label_first(added.id, photo.label, f"import {secrets.token_hex(8)}", decider)
        if label != photo.label:
            return State.OTHER_LABEL
        if photo.side:
            self._sides.want(added.id, photo.side)
        return State.ADDED if added.is_new else State.KNOWN

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return (await self._threads.run(work)).value
