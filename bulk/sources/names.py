"""The names of all photos of a run, in a file: a million of them are never Python objects at the same time."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pyarrow as pa

_SCHEMA = pa.schema([("name", pa.binary())])
_NAMES_AT_ONCE = 8192

MAX_SHARD_PHOTOS = 512
"""Photos that are classified again, at most, when a process ends in the middle."""

MIN_SHARDS = 100
"""Shards of a run of fewer photos, so that all processes have work to the end."""


class Names:
    """The names in a file, in shards of fixed size. They stay on disk; the system's cache holds what is read."""

    def __init__(self, path: Path) -> None:
        """Opens a file that `write_names` has written."""
        with pa.memory_map(str(path)) as file:
            self._table = pa.ipc.open_file(file).read_all()
        self.shard_photos = max(1, min(MAX_SHARD_PHOTOS, len(self._table) // MIN_SHARDS))

    def __len__(self) -> int:
        return len(self._table)

    @property
    def shards(self) -> int:
        """Number of shards."""
        return -(-len(self) // self.shard_photos)

    def length(self, number: int) -> int:
        """Returns how many names a shard has."""
        return min(self.shard_photos, len(self) - number * self.shard_photos)

    def shard(self, number: int) -> list[bytes]:
        """Returns the names of a shard, from 0 on."""
        return self.slice(number * self.shard_photos, self.shard_photos)

    def slice(self, start: int, length: int) -> list[bytes]:
        """Returns so many names from `start` on, or as many as there are."""
        names: list[bytes] = self._table.slice(start, length).column("name").to_pylist()
        return names


def write_names(names: Iterator[bytes], path: Path) -> None:
    """Writes a file of names. It is not whole before this returns."""
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, _SCHEMA) as writer:
        while chunk := list(islice(names, _NAMES_AT_ONCE)):
            writer.write_batch(pa.record_batch([pa.array(chunk, pa.binary())], schema=_SCHEMA))
