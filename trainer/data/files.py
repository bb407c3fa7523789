"""Files and folders as people mean them: without those that systems put beside pictures, and with linked folders."""

import os
from pathlib import Path
from typing import Literal

from engine.litter import is_litter
from trainer.errors import DatasetInvalid

_Kind = Literal["folder", "file", "device", "unknown"]
"""What an entry of a folder is, or what its link leads to; unknown where it leads nowhere or may not be looked at."""

_PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic"})


def subfolders(folder: Path) -> list[Path]:
    """Returns the folders in a folder, linked ones included, sorted by name.

    Raises:
        DatasetInvalid: the folder can't be read.
    """
    return [path for path, kind in _readable_entries(folder) if kind == "folder"]


def holds_pictures(folder: Path) -> bool:
    """Returns whether a folder itself, without its subfolders, has a file that is named like a picture.

    Raises:
        DatasetInvalid: the folder can't be read.
    """
    return any(kind == "file" and path.suffix.lower() in _PICTURE_SUFFIXES for path, kind in _readable_entries(folder))


def files_below(home: Path) -> list[Path]:
    """Returns all files in and below a folder, sorted by path.

    Linked folders are followed, but none is visited twice, and no link leads back to a folder that holds `home`. What
    can't be looked into, such as a link that leads nowhere, is among the files: whoever opens it learns the reason.
    """
    found: list[Path] = []
    folders, seen = [home], {_identity(parent) for parent in home.resolve().parents}
    while folders:
        folder = folders.pop()
        try:
            identity = _identity(folder)
            entries = [] if identity in seen else _entries(folder)
        except OSError:
            found.append(folder)
            continue
        seen.add(identity)
        folders.extend(path for path, kind in reversed(entries) if kind == "folder")
        found.extend(path for path, kind in entries if kind in ("file", "unknown"))
    return sorted(found)


def _readable_entries(folder: Path) -> list[tuple[Path, _Kind]]:
    try:
        return _entries(folder)
    except OSError as error:
        raise DatasetInvalid("DATA_NOT_FOUND", f"The folder {folder} can't be read: {error.strerror}.") from error


def _entries(folder: Path) -> list[tuple[Path, _Kind]]:
    """What a folder holds, without litter, sorted by name."""
    with os.scandir(folder) as entries:
        kept = [entry for entry in entries if not is_litter(entry.name)]
    return [(Path(entry), _kind(entry)) for entry in sorted(kept, key=lambda entry: entry.name)]


def _kind(entry: "os.DirEntry[str]") -> _Kind:
    try:
        if entry.is_dir():
            return "folder"
        if entry.is_file():
            return "file"
        entry.stat()  # fails where a link leads nowhere
    except OSError:
        return "unknown"
    return "device"


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino
