"""The folder of results: which run it is, its list of photos, and its parts. It is all that a resumed run needs.

run.json                   what is classified, and with what; see Manifest
names.arrow                the names of all photos, in order
parts/part-00000.parquet   the rows of the first shard, and so on
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from bulk.errors import OutputInvalid
from bulk.output.files import remove_unfinished, write_whole
from bulk.photos.rows import SCHEMA, Model
from bulk.sources.names import Names

MANIFEST_FILE, NAMES_FILE, PARTS_FOLDER = "run.json", "names.arrow", "parts"


@dataclass(frozen=True)
class Manifest:
    """What decides the results. A run can be resumed only with the same."""

    source: str
    column: str
    model: str
    version: str
    contract_digest: str
    top_k: int
    max_image_bytes: int
    max_image_pixels: int
    max_decode_bytes: int


class RunFolder:
    """The folder of one run. Only `opened` makes one."""

    def __init__(self, path: Path) -> None:
        """Does not look into the folder yet."""
        self.path = path

    def begin(self, manifest: Manifest, list_names: Callable[[Path], None]) -> Names:
        """Begins the run, or goes on with it if the folder has begun it before. Returns the names of its photos.

        Args:
            manifest: what to do.
            list_names: writes the file of names; called only if the run is new.

        Raises:
            OutputInvalid: the folder holds another run, or something else.
        """
        file = self.path / MANIFEST_FILE
        remove_unfinished(self.path)
        if file.exists():
            self._require_same(manifest, _read(file))
        else:
            self._require_empty()
            write_whole(self.path / NAMES_FILE, list_names)
            text = json.dumps(asdict(manifest), indent=2, ensure_ascii=False) + "\n"
            write_whole(file, lambda path: path.write_text(text, encoding="utf-8", errors="surrogateescape"))
        (self.path / PARTS_FOLDER).mkdir(exist_ok=True)
        remove_unfinished(self.path / PARTS_FOLDER)
        try:
            return Names(self.path / NAMES_FILE)
        except (OSError, pa.ArrowInvalid) as error:
            raise self._damaged(NAMES_FILE) from error

    def missing_shards(self, names: Names) -> list[int]:
        """Returns the numbers of shards that have no intact part yet."""
        return [number for number in range(names.shards) if not self._is_whole(number, names)]

    def write_part(self, number: int, rows: pa.Table) -> None:
        """Writes the rows of a shard."""
        write_whole(
            self.part(number),
            lambda path: pa.parquet.write_table(rows.cast(SCHEMA), path, compression="zstd"),
        )

    def parts(self, names: Names) -> Iterator[pa.Table]:
        """Yields the rows of each shard, in order."""
        for number in range(names.shards):
            with pa.parquet.ParquetFile(self.part(number)) as file:
                yield file.read(use_threads=False)

    def part(self, number: int) -> Path:
        """Returns the path of a part."""
        return self.path / PARTS_FOLDER / f"part-{number:05}.parquet"

    def _is_whole(self, number: int, names: Names) -> bool:
        try:
            rows: int = pa.parquet.read_metadata(self.part(number)).num_rows
        except (OSError, pa.ArrowInvalid):
            return False
        return rows == names.length(number)

    def _require_same(self, wanted: Manifest, found: dict[str, object]) -> None:
        differing = [name for name, value in asdict(wanted).items() if found.get(name) != value]
        if not differing:
            return
        if {"contract_digest", "version", "model"} & set(differing):
            before = Model(*(str(found.get(key)) for key in ("model", "version", "contract_digest")))
            now = Model(wanted.model, wanted.version, wanted.contract_digest)
            what = f"was begun with {_named(before)}, and --model names {_named(now)}"
            way_out = f"Name that version with --model {before.name}/{before.version}" if before.version else ""
            way_out = way_out or "Name that version with --model"
        else:
            (name, *_) = differing
            what = f"was begun with {name} {found.get(name)}, not {getattr(wanted, name)}"
            way_out = "Give the same as before"
        sentence = f"The run in {self.path} {what}. {way_out} to go on with it, or another folder with --output."
        raise OutputInvalid("OUTPUT_OF_ANOTHER_RUN", sentence)

    def _require_empty(self) -> None:
        foreign = {path.name for path in self.path.iterdir()} - {NAMES_FILE}
        if foreign:
            sentence = f"{self.path} holds {min(foreign)} and no run. Give an empty or a new folder with --output."
            raise OutputInvalid("OUTPUT_NOT_EMPTY", sentence)

    def _damaged(self, name: str) -> OutputInvalid:
        sentence = f"{self.path / name} can't be read. Give another folder with --output."
        return OutputInvalid("OUTPUT_DAMAGED", sentence)


@contextmanager
def opened(path: Path) -> Iterator[RunFolder]:
    """Opens a folder for a run, makes it if necessary, and keeps other runs out of it until the block ends.

    Raises:
        OutputInvalid: another run uses it, or it can't be written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise OutputInvalid("OUTPUT_NOT_WRITABLE", f"{path} can't be used: {error.strerror}.") from error
    try:
        with suppress(OSError):  # a network drive may know no locks
            _lock(descriptor, path)
        yield RunFolder(path)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        sentence = f"Another run writes into {path} at this moment. Wait for it, or give another folder with --output."
        raise OutputInvalid("OUTPUT_IN_USE", sentence) from error


def _read(file: Path) -> dict[str, object]:
    try:
        found = json.loads(file.read_text(encoding="utf-8", errors="surrogateescape"))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise OutputInvalid("OUTPUT_DAMAGED", f"{file} can't be read. Give another folder with --output.")
    return found


def _named(model: Model) -> str:
    version = f" version {model.version}" if model.version else ""
    return f"{model.name}{version} (contract {model.contract_digest[:12]})"
