"""Puts photos into one folder for each class: what somebody with 3,000 holiday pictures wants."""

import csv
import errno
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from bulk.errors import OutputInvalid
from bulk.output.files import remove_unfinished, write_whole
from bulk.photos.reading import read
from bulk.sources.remote import is_remote

UNSURE, NONE = "unsure", "none"
"""Folders of photos that show a class only perhaps, and of those that show none."""

LIST_FILE = "sorted.csv"
"""Says for each photo where it is now, and why."""

_MARK = ".verger-sorted"
"""A file that only a folder of sorted photos has; it holds the digest of the run."""

_UNLINKABLE = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EACCES}
_NOT_IN_NAMES = re.compile(r'[/\\:*?"<>|\x00-\x1f]')
_MAX_STEM_BYTES = 200


class Sorter:
    """Sorts the photos of one run. Doing it again changes nothing, and a sorting that was interrupted goes on."""

    def __init__(self, folder: Path, run: str, labels: Sequence[str], copy: bool) -> None:
        """Opens or makes the folder.

        Args:
            folder: gets a subfolder for each class that occurs.
            run: identifies the run whose photos are sorted.
            labels: classes of the version.
            copy: whether photos are copied. Otherwise they are linked where that is possible, which takes no space.

        Raises:
            OutputInvalid: the folder has other files, or can't be written.
        """
        self._folder, self._copy = folder, copy
        self._folders = folder_names(labels)
        self._taken: set[int] = set()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            mark = folder / _MARK
            if mark.exists() and mark.read_text(encoding="utf-8") != run:
                sentence = f"{folder} holds the photos of another run. Give another folder with --sort-into."
                raise OutputInvalid("OUTPUT_OF_ANOTHER_RUN", sentence)
            if not mark.exists():
                self._require_empty()
                write_whole(mark, lambda path: path.write_text(run, encoding="utf-8"))
        except OSError as error:
            raise OutputInvalid("OUTPUT_NOT_WRITABLE", f"{folder} can't be used: {error.strerror}.") from error

    def sort(self, shards: Iterable[tuple[Sequence[bytes], pa.Table]], max_bytes: int) -> int:
        """Links or copies all photos that have a verdict, and writes the list. Returns how many there are.

        Args:
            shards: the names of photos, and their rows.
            max_bytes: of a photo that is fetched over the network.
        """
        placed = 0

        def write(path: Path) -> None:
            nonlocal placed
            with _csv_file(path) as file:
                writer = csv.writer(file)
                writer.writerow(["file", "path", "verdict", "label", "probability", "error"])
                for name, row in _photos(shards):
                    place, problem = self._place(name, row, max_bytes)
                    placed += place is not None
                    best = next(iter(row["labels"]), None), next(iter(row["probabilities"]), None)
                    writer.writerow([place, row["path"], row["verdict"], *best, problem])

        for home in ("", *self._folders.values()):
            remove_unfinished(self._folder / home)
        write_whole(self._folder / LIST_FILE, write)
        return placed

    def _place(self, name: bytes, row: dict[str, Any], max_bytes: int) -> tuple[str | None, str | None]:
        """Puts a photo into its folder. Returns its new path within the folder, or why it has none."""
        if row["error"]:
            return None, row["error"]
        special = {"UNSURE": UNSURE, "OUT_OF_SCOPE": NONE}
        home = self._folders[special.get(row["verdict"], "") or f"={row['label']}"]
        target = Path(home, self._free_name(home, row["path"]))
        try:
            self._bring(name, self._folder / target, max_bytes)
        except OSError as error:
            return None, f"FILE_UNREADABLE: {error.strerror or error}"
        return str(target), None

    def _free_name(self, home: str, path: str) -> str:
        """Returns a name that no photo before has in this folder, on file systems that ignore case, too."""
        stem, suffix = os.path.splitext(_NOT_IN_NAMES.sub("_", path.rstrip("/").rpartition("/")[2]) or "photo")
        stem = stem.encode()[:_MAX_STEM_BYTES].decode("utf-8", "ignore")
        number, name = 1, f"{stem}{suffix}"
        while (key := hash((home, name.casefold()))) in self._taken:
            number += 1
            name = f"{stem}-{number}{suffix}"
        self._taken.add(key)
        return name

    def _bring(self, name: bytes, target: Path, max_bytes: int) -> None:
        if target.exists():  # of a sorting that was interrupted: files are there whole or not at all
            return
        target.parent.mkdir(exist_ok=True)
        if is_remote(name):
            content = read(name, max_bytes)
            if content.error:
                raise OSError(str(content.error))
            write_whole(target, lambda path: path.write_bytes(content.data))
        elif self._copy or not _linked(name, target):
            write_whole(target, lambda path: shutil.copy2(os.fsdecode(name), path))

    def _require_empty(self) -> None:
        if found := min((path.name for path in self._folder.iterdir()), default=None):
            sentence = f"{self._folder} is not empty; it holds {found}. Give an empty folder with --sort-into."
            raise OutputInvalid("OUTPUT_NOT_EMPTY", sentence)


def folder_names(labels: Sequence[str]) -> dict[str, str]:
    """Returns a folder for "unsure", for "none", and for each class, whose key is "=" and its label.

    No two are the same, on file systems that ignore case, too.
    """
    names, taken = {UNSURE: UNSURE, NONE: NONE}, {UNSURE, NONE, LIST_FILE}
    for label in labels:
        plain = _NOT_IN_NAMES.sub("_", label).strip(" .") or "class"
        number, name = 1, plain
        while name.casefold() in taken:
            number += 1
            name = f"{plain}-{number}"
        taken.add(name.casefold())
        names[f"={label}"] = name
    return names


def _photos(shards: Iterable[tuple[Sequence[bytes], pa.Table]]) -> Iterator[tuple[bytes, dict[str, Any]]]:
    for names, rows in shards:
        yield from zip(names, rows.to_pylist(), strict=True)


def _linked(name: bytes, target: Path) -> bool:
    """Links a photo, or returns False where it has to be copied."""
    try:
        os.link(os.path.realpath(name), os.fsencode(target))
    except OSError as error:
        if error.errno in _UNLINKABLE:
            return False
        raise
    return True


@contextmanager
def _csv_file(path: Path) -> Iterator[IO[str]]:
    with path.open("w", encoding="utf-8", newline="") as file:
        yield file
