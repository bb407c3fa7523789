"""Reads lists of photos: a text file with a name a line, or a column of a CSV or Parquet file."""

import os
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import IO, Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from bulk.errors import SourceInvalid
from bulk.sources.remote import is_remote

Lister = Callable[[IO[bytes], str], Iterator[bytes]]
"""Yields the names in an open list; the second argument is the name of the column."""

_NAMES_AT_ONCE = 8192


def lister_of(source: str) -> Lister | None:
    """Returns what reads a list, by the ending of its name; None if that is not the name of a list."""
    return _LISTERS.get(PurePosixPath(source).suffix.lower())


def resolved(name: bytes, home: bytes) -> bytes:
    """Returns the path or address of a photo. Relative ones are relative to `home`, the folder of their list."""
    if is_remote(name) or name.startswith(b"/"):
        return name
    if is_remote(home):
        return home.rstrip(b"/") + b"/" + name
    return os.path.normpath(os.path.join(home, name))


def _lines(file: IO[bytes], _column: str) -> Iterator[bytes]:
    for line in file:
        if name := line.strip(b"\r\n"):
            yield name


def _csv_column(file: IO[bytes], column: str) -> Iterator[bytes]:
    _require(column, pa.csv.open_csv(file).schema.names)
    file.seek(0)
    options = pa.csv.ConvertOptions(include_columns=[column], column_types={column: pa.large_binary()})
    yield from _values(pa.csv.open_csv(file, convert_options=options))


def _parquet_column(file: IO[bytes], column: str) -> Iterator[bytes]:
    parquet = pa.parquet.ParquetFile(file)
    _require(column, parquet.schema_arrow.names)
    yield from _values(parquet.iter_batches(_NAMES_AT_ONCE, columns=[column]))


def _values(batches: Any) -> Iterator[bytes]:
    """Yields one name for each row; an empty one for a row without."""
    for batch in batches:
        for value in batch.column(0).to_pylist():
            yield value if isinstance(value, bytes) else str(value or "").encode()


def _require(column: str, names: list[str]) -> None:
    if column not in names:
        known = ", ".join(names)
        raise SourceInvalid("COLUMN_MISSING", f"The list has no column “{column}”; name one with --column: {known}.")


_LISTERS: dict[str, Lister] = {".txt": _lines, ".csv": _csv_column, ".parquet": _parquet_column}
