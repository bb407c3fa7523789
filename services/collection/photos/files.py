"""Keeps the bytes of photos by their digest, where fsspec reaches: a folder, S3, or another storage."""

import errno
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import structlog
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from services.collection.errors import StorageFull, StorageUnavailable
from services.collection.photos.preparing import PreparedPhoto

log = structlog.get_logger(__name__)

IMAGES, THUMBNAILS, UNFINISHED = "images", "thumbnails", "unfinished"

MAX_UNFINISHED_SECONDS = 3600.0
"""Age at which a file that was not written to its end is nobody's any more."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class PhotoFiles:
    """The files of all photos. Its methods block.

    All of them raise StorageFull or StorageUnavailable. A file is there whole or not at all.
    """

    def __init__(self, address: str) -> None:
        """Connects to the storage.

        Args:
            address: a folder, or an address for fsspec.

        Raises:
            ValueError, ImportError: fsspec does not know such storage, or the package for it is missing.
        """
        self._files, self._root = url_to_fs(address)
        self._is_local = isinstance(self._files, LocalFileSystem)
        if self._is_local:
            for folder in ("", IMAGES, THUMBNAILS, UNFINISHED):
                (Path(self._root) / folder).mkdir(parents=True, exist_ok=True, mode=0o700)

    def write(self, photo: PreparedPhoto) -> None:
        """Writes the files of a photo, if they are not there yet."""
        with _explained():
            for kind, content in ((THUMBNAILS, photo.thumbnail), (IMAGES, photo.image)):
                path = self._path(kind, photo.digest)
                if not self._files.exists(path):
                    self._write(path, content)

    def exists(self, digest: str) -> bool:
        """Whether the files of a photo are there."""
        with _explained():
            return all(self._files.exists(self._path(kind, digest)) for kind in (IMAGES, THUMBNAILS))

    def read(self, digest: str, kind: str = IMAGES) -> bytes:
        """Returns the bytes of a photo or of its thumbnail."""
        with _explained():
            content: bytes = self._files.cat_file(self._path(kind, digest))
            return content

    def remove(self, digest: str) -> None:
        """Removes the files of a photo. It is no error if they are gone."""
        with _explained():
            for kind in (IMAGES, THUMBNAILS):
                with suppress(FileNotFoundError):
                    self._files.rm_file(self._path(kind, digest))

    def remove_unfinished(self) -> None:
        """Removes what processes that were killed have begun to write long ago."""
        if not self._is_local:
            return
        with _explained():
            for file in (Path(self._root) / UNFINISHED).iterdir():
                if time.time() - file.stat().st_mtime > MAX_UNFINISHED_SECONDS:
                    file.unlink(missing_ok=True)

    def _path(self, kind: str, digest: str) -> str:
        return f"{self._root}/{kind}/{digest[:2]}/{digest}.jpg"

    def _write(self, path: str, content: bytes) -> None:
        if self._is_local:
            _write_durably(Path(path), content, Path(self._root) / UNFINISHED / secrets.token_hex(16))
        else:
            self._files.pipe_file(path, content)  # object storage has it whole or not at all


def _write_durably(file: Path, content: bytes, unfinished: Path) -> None:
    """Writes a file that is there after a crash if this function has returned."""
    file.parent.mkdir(exist_ok=True, mode=0o700)
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        unfinished.rename(file)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    for folder in (file.parent, file.parent.parent):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _explained() -> Iterator[None]:
    """Turns whatever a storage raises into an error for the caller."""
    try:
        yield
    except Exception as error:
        log.warning("the storage of photos failed", error=type(error).__name__, message=str(error))
        if _number(error) in _FULL:
            raise StorageFull("No space is left for photos. Nothing was kept; tell whoever runs this.") from error
        raise StorageUnavailable(
            "Photos can't be read or written at the moment. Try again in a few seconds."
        ) from error


def _number(error: Any) -> int | None:
    number: int | None = getattr(error, "errno", None)
    return number
