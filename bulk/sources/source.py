"""Understands SOURCE: a folder, a pattern, a list, a single photo, on this machine or elsewhere."""

import glob
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pyarrow as pa

from bulk.errors import SourceInvalid
from bulk.sources.folder import files_below
from bulk.sources.lists import Lister, lister_of, resolved
from bulk.sources.remote import file_system, is_remote, opened

_PATTERN = frozenset("*?[")


def absolute(source: str) -> str:
    """Returns SOURCE so that it means the same in every working directory."""
    if source.startswith("file://"):
        source = source.removeprefix("file://")
    return source if is_remote(os.fsencode(source)) else os.path.abspath(os.path.expanduser(source))


def names_in(source: str, column: str) -> Iterator[bytes]:
    """Yields the path or address of each photo, always in the same order.

    Args:
        source: as `absolute` returns it.
        column: of a CSV or Parquet list.

    Raises:
        SourceInvalid: there is nothing of this name, it can't be read, or a list has no such column.
    """
    try:
        yield from _remote_names(source, column) if is_remote(os.fsencode(source)) else _local_names(source, column)
    except FileNotFoundError as error:
        raise SourceInvalid("SOURCE_NOT_FOUND", f"There is no {source}.") from error
    except (OSError, pa.ArrowInvalid) as error:
        raise SourceInvalid("SOURCE_UNREADABLE", f"{source} can't be read: {error}.") from error


def _local_names(source: str, column: str) -> Iterator[bytes]:
    if os.path.isdir(source):
        os.scandir(source).close()  # a folder that can't be read is an error here, and a row further below
        yield from files_below(os.fsencode(source))
    elif _PATTERN & set(source) and not os.path.exists(source):
        yield from (os.fsencode(path) for path in sorted(glob.iglob(source, recursive=True)) if not os.path.isdir(path))
    elif lister := lister_of(source):
        with Path(source).open("rb") as file:
            yield from _listed(lister, file, column, os.fsencode(os.path.dirname(source)))
    else:
        os.stat(source)
        yield os.fsencode(source)


def _remote_names(source: str, column: str) -> Iterator[bytes]:
    if lister := lister_of(source):
        with opened(source) as file:
            yield from _listed(lister, file, column, source.rpartition("/")[0].encode())
        return
    files, path = file_system(source)
    scheme = source.partition("://")[0]
    if _PATTERN & set(path.partition("?")[0] if scheme.startswith("http") else path):
        found = sorted(files.glob(path))
    elif scheme.startswith("http") or files.isfile(path):
        yield source.encode()
        return
    else:
        found = files.find(path)
    for name in found:
        yield (name if is_remote(name.encode()) else f"{scheme}://{name}").encode()


def _listed(lister: Lister, file: IO[bytes], column: str, home: bytes) -> Iterator[bytes]:
    for name in lister(file, column):
        yield resolved(name, home)
