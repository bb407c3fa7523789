"""Files that are there whole or not at all, whatever happens to the process or the machine."""

import os
from collections.abc import Callable
from pathlib import Path

_UNFINISHED = ".unfinished"


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Lets `write` write a file beside `path`, and then moves it there."""
    unfinished = path.with_name(f".{path.name}{_UNFINISHED}")
    write(unfinished)
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    unfinished.replace(path)


def remove_unfinished(folder: Path) -> None:
    """Deletes what killed processes have begun to write in a folder."""
    for path in folder.glob(f".*{_UNFINISHED}"):
        path.unlink()
