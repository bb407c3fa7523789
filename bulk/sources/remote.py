"""Photos elsewhere than on this machine: object storage through pyarrow, everything else through fsspec."""

import re
from functools import cache
from typing import IO, Any

import fsspec
import pyarrow.fs
from fsspec.core import url_to_fs
from fsspec.implementations.arrow import ArrowFSWrapper

from bulk.errors import SourceInvalid

_SCHEME = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]+://")

_IN_ARROW = frozenset({"s3", "gs", "gcs", "abfs", "abfss", "hdfs"})
"""Schemes that pyarrow opens without a further package. Credentials and endpoints come from its usual variables."""


def is_remote(name: bytes) -> bool:
    """Returns whether the name of a photo is an address rather than a path."""
    return _SCHEME.match(name) is not None


def opened(address: str) -> IO[bytes]:
    """Opens a file for reading.

    Raises:
        FileNotFoundError, or whatever the storage raises.
    """
    files, path = file_system(address)
    file: IO[bytes] = files.open(path, "rb")
    return file


def file_system(address: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """Returns the storage of an address, and the path within it.

    Raises:
        SourceInvalid: this storage is not known, or the package for it is missing.
    """
    scheme, _, path = address.partition("://")
    if scheme in _IN_ARROW:
        return _arrow_files(scheme, path.partition("/")[0]), path
    try:
        found: tuple[Any, str] = url_to_fs(address)
    except (ValueError, ImportError) as error:
        raise SourceInvalid("SOURCE_UNREADABLE", f"{address} can't be opened: {error}.") from error
    return found


@cache
def _arrow_files(scheme: str, bucket: str) -> ArrowFSWrapper:
    files, _ = pyarrow.fs.FileSystem.from_uri(f"{scheme}://{bucket}")
    return ArrowFSWrapper(files)
