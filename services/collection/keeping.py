"""Keeps photos: files and database together, so that nothing is kept by half.

A file is announced in the database before it is written, and a photo is added after that. When photos are deleted,
their rows go first. What fails in between leaves a file that no photo needs, and `clean` removes it.
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

import structlog

from engine.photo.opening import Limits
from services.collection.errors import StorageUnavailable
from services.collection.facts import NewPhoto
from services.collection.photos.files import PhotoFiles
from services.collection.photos.preparing import PreparedPhoto, prepare
from services.collection.records.photos import Added, PhotoRecords, Unneeded
from services.common.capacity.pool import WorkPool
from services.common.capacity.processes import LimitedProcesses

log = structlog.get_logger(__name__)

T = TypeVar("T")

MIN_UNNEEDED_AGE = timedelta(minutes=15)
"""Age at which a file that no photo needs is not being written any more: longer than any call."""

MAX_ATTEMPTS = 3
"""How often a photo is written that somebody else deletes at the same time."""

JOB = "collection"
"""Who deletes photos that are too old, for the audit."""


class Keeper:
    """Adds and deletes photos."""

    def __init__(
        self, records: PhotoRecords, files: PhotoFiles, threads: WorkPool, processes: LimitedProcesses, limits: Limits
    ) -> None:
        """Creates the keeper.

        Args:
            records: the database.
            files: the bytes.
            threads: for work that waits for these.
            processes: prepare photos.
            limits: largest photos to accept.
        """
        self._records, self._files = records, files
        self._threads, self._processes = threads, processes
        self._limits = limits

    async def add(self, photo: Callable[[str], NewPhoto], image: bytes) -> Added:
        """Keeps a photo; `photo` returns what is known of it, given the digest of the bytes that were sent.

        Raises:
            InvalidArgument: one of the Image... errors of engine.errors.
            StorageFull, StorageUnavailable, SQLAlchemyError: nothing was kept.
        """
        new = photo(hashlib.sha256(image).hexdigest())
        known = await self._in_thread(lambda: self._records.add_known(new))
        if known:
            return known
        prepared = await self._processes.run(prepare, image, self._limits)
        return await self._in_thread(lambda: self._store(new, prepared))

    async def delete(self, ids: Sequence[str], who: str) -> int:
        """Deletes photos and all that is known of them. Returns how many there were."""

        def delete() -> int:
            deleted = self._records.delete(ids, who)
            self._remove(deleted.files)
            return deleted.photos

        return await self._in_thread(delete)

    async def read(self, digest: str, kind: str) -> bytes:
        """Returns the bytes of a photo or of its thumbnail."""
        return await self._in_thread(lambda: self._files.read(digest, kind))

    async def clean(self, lifetime: timedelta) -> int:
        """Deletes photos that are too old, and files that no photo needs. Returns the number of photos."""

        def clean() -> int:
            count = 0
            while (deleted := self._records.delete_expired(lifetime, JOB)).photos:
                count += deleted.photos
                self._remove(deleted.files)
            self._remove(self._records.unneeded_files(MIN_UNNEEDED_AGE))
            self._files.remove_unfinished()
            return count

        return await self._in_thread(clean)

    def _store(self, new: NewPhoto, prepared: PreparedPhoto) -> Added:
        for _ in range(MAX_ATTEMPTS):
            self._records.announce_file(prepared.digest)
            self._files.write(prepared)
            added = self._records.add(new, prepared, self._files.exists)
            if added:
                return added
        raise StorageUnavailable("This photo is being deleted at the same time. Send it again.")

    def _remove(self, files: Sequence[Unneeded]) -> None:
        for file in files:
            try:
                self._records.remove_file(file, self._files.remove)
            except Exception as error:  # it stays announced, so the next cleaning finds it
                log.warning("a file was not removed yet", digest=file.digest, error=type(error).__name__)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return (await self._threads.run(work)).value
