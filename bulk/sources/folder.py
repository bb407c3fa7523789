"""Lists the photos of a folder of this machine."""

import os
from collections.abc import Iterator

import pyarrow as pa

from engine.litter import is_litter

_ENTRIES = pa.schema([("name", pa.large_binary()), ("is_folder", pa.bool_())])
_AT_ONCE = 65_536
"""Entries of a folder that are Python objects at the same time. Arrow holds a million names in some 30 MB."""

_Identity = tuple[int, int]


def files_below(home: bytes) -> Iterator[bytes]:
    """Yields the paths of all files in and below a folder, folder by folder, each sorted by name.

    Litter is left out. Linked folders are followed, but none is visited twice, and no link leads back to a folder that
    holds `home`. What can't be looked into is among the files: whoever opens it learns the reason.
    """
    real, seen = os.path.realpath(home), set()
    while real != (parent := os.path.dirname(real)):
        seen.add(_identity(parent))
        real = parent
    yield from _below(home, seen)


def _below(folder: bytes, seen: set[_Identity]) -> Iterator[bytes]:
    try:
        identity = _identity(folder)
        if identity in seen:
            return
        entries = _entries(folder)
    except OSError:
        yield folder
        return
    seen.add(identity)
    for batch in entries.to_batches(max_chunksize=_AT_ONCE):
        for name, is_folder in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            path = os.path.join(folder, name)
            if is_folder:
                yield from _below(path, seen)
            else:
                yield path


def _entries(folder: bytes) -> pa.Table:
    """What a folder holds, without litter, sorted by name."""
    batches, names, kinds = [], list[bytes](), list[bool]()
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_litter(os.fsdecode(entry.name)):
                continue
            names.append(entry.name)
            kinds.append(_is_folder(entry))
            if len(names) == _AT_ONCE:
                batches.append(pa.record_batch([names, kinds], schema=_ENTRIES))
                names, kinds = [], []
    batches.append(pa.record_batch([names, kinds], schema=_ENTRIES))
    return pa.Table.from_batches(batches, _ENTRIES).sort_by("name")


def _is_folder(entry: "os.DirEntry[bytes]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _identity(folder: bytes) -> _Identity:
    status = os.stat(folder)
    return status.st_dev, status.st_ino
