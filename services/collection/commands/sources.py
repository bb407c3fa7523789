"""What files can be imported from: a folder, or a zip archive that is never unpacked."""

import os
import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Protocol

from engine.litter import is_litter
from services.collection.commands.errors import ImportInvalid

MAX_FILES = 1_000_000
MAX_RATIO = 50
"""Times by which the content of an archive may be larger than the archive, if it is larger than MIN_BOMB_BYTES.
Pictures are compressed already."""
MIN_BOMB_BYTES = 256 * 2**20


class Source(Protocol):
    """Files, by their paths relative to one folder."""

    names: Collection[str]
    """With slashes. What systems put beside pictures is left out."""

    def read(self, name: str, limit: int) -> bytes:
        """Returns the content of a file, or its first `limit` bytes. Raises OSError."""


class FolderSource:
    """A folder. Links to files are followed, links to folders are not."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.names: Collection[str] = frozenset(self._walk())

    def read(self, name: str, limit: int) -> bytes:
        with (self._root / name).open("rb") as file:
            return file.read(limit)

    def _walk(self) -> Iterator[str]:
        for folder, subfolders, files in os.walk(self._root):
            subfolders[:] = sorted(name for name in subfolders if not is_litter(name))
            for name in files:
                if not is_litter(name):
                    yield (Path(folder) / name).relative_to(self._root).as_posix()


class ZipSource:
    """A zip archive, whose names and sizes were checked. Its files are read one at a time."""

    def __init__(self, archive: zipfile.ZipFile, size_bytes: int) -> None:
        """Checks an archive of so many bytes.

        Raises:
            ImportInvalid: a path leads out of it, or its content is far larger than pictures can be.
        """
        self._archive = archive
        files = [entry for entry in archive.infolist() if not entry.is_dir()]
        total = sum(entry.file_size for entry in files)
        if len(files) > MAX_FILES or (total > MIN_BOMB_BYTES and total > MAX_RATIO * size_bytes):
            raise ImportInvalid(
                "IMPORT_ARCHIVE_BOMB",
                f"The archive has {size_bytes:,} bytes and would have {total:,} in {len(files):,} files when unpacked. "
                "No archive of pictures is like that.",
            )
        for entry in files:
            checked_path(entry.filename)
        names = (entry.filename for entry in files)
        self.names: Collection[str] = frozenset(
            name for name in names if not any(map(is_litter, PurePosixPath(name).parts))
        )

    def read(self, name: str, limit: int) -> bytes:
        try:
            with self._archive.open(name) as file:
                return file.read(limit)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:  # damaged, or encrypted
            raise OSError(f"It can't be read from the archive: {error}.") from error


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """Opens a folder or an archive until the block ends.

    Raises:
        ImportInvalid: there is neither, or the archive can't be used.
    """
    if path.is_dir():
        yield FolderSource(path)
    elif path.is_file():
        try:
            archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            text = f"{path} is no folder, no zip archive and no tasks.json of Label Studio: {error}."
            raise ImportInvalid("IMPORT_ARCHIVE_INVALID", text) from error
        with archive:
            yield ZipSource(archive, path.stat().st_size)
    else:
        raise ImportInvalid("IMPORT_NOT_FOUND", f"There is no folder and no zip archive {path}.")


def checked_path(name: str, base: str = "") -> str:
    """Returns a path in a source, relative to the folder `base` of it, if it stays inside.

    Raises:
        ImportInvalid: it does not.
    """
    path = PurePosixPath(name)
    is_inside = not path.is_absolute() and ".." not in path.parts and "\\" not in name and ":" not in name[:2]
    if not is_inside or not path.parts or "\0" in name:
        raise ImportInvalid(
            "IMPORT_PATH_INVALID",
            f"The path {name!a} leads out of what is to be imported, or is no path at all. Nothing was imported.",
        )
    return str(PurePosixPath(base) / path)
