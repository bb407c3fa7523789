"""Keeps local copies of model versions, each in a folder named by its digest, and notes which was live last."""

import json
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import structlog
from verger.v1 import model_pb2

from engine.contract import CONTRACT_FILE, file_digest, read_contract, serving_file
from engine.errors import FailedPrecondition, ModelCorrupt

log = structlog.get_logger(__name__)

Download = Callable[[str, Path], object]
"""Fetches a file into a folder. The path is relative to the root of the version and is kept in the folder."""


_DIGEST = re.compile("[0-9a-f]{64}")


class StoreFailed(FailedPrecondition):
    """The disk did not take a copy, because it is full or not writable."""

    reason = "MODEL_STORE_FAILED"


class ModelStore:
    """A directory of copies. Several processes may share it, because copies appear atomically and never change."""

    def __init__(self, root: Path, keep: int = 3) -> None:
        """Opens the store, and creates its directory if necessary.

        Args:
            root: the directory.
            keep: number of copies to keep, those that were added last. The live version is always kept.
        """
        self._root = root
        self._keep = keep
        self._last_live = root / "live.json"
        root.mkdir(parents=True, exist_ok=True)

    def add(self, download: Download) -> Path:
        """Fetches a version unless the store has an intact copy of it. Returns its folder.

        The contract is fetched first. It identifies the content, and an unsupported contract saves the other downloads.

        Raises:
            ModelCorrupt, ContractUnsupported: see read_contract.
            StoreFailed: the disk is full or not writable.
        """
        try:
            return self._add(download)
        except OSError as error:
            raise StoreFailed(f"The model cache at {self._root} can't keep the version: {error}.") from error

    def _add(self, download: Download) -> Path:
        with tempfile.TemporaryDirectory(dir=self._root, prefix="incoming-", ignore_cleanup_errors=True) as incoming:
            folder = Path(incoming)
            download(CONTRACT_FILE, folder)
            contract = read_contract(folder / CONTRACT_FILE)
            target = self._root / file_digest(folder / CONTRACT_FILE)
            if target.exists() and not _has_digest_of_name(target):
                self.discard(target)
            if not target.exists():
                download(serving_file(contract).path, folder)
                shutil.copytree(folder, staged := Path(f"{folder}-done"))
                try:
                    staged.rename(target)
                except OSError:  # another process has added the same content meanwhile
                    shutil.rmtree(staged)
        target.touch()
        return target

    def discard(self, folder: Path) -> None:
        """Deletes a damaged copy, so that it is fetched again."""
        shutil.rmtree(folder, ignore_errors=True)

    def remember_live(self, ref: model_pb2.ModelRef, folder: Path) -> None:
        """Notes which version to start with when the registry is unavailable, and deletes old copies.

        Raises:
            StoreFailed: the disk is full or not writable.
        """
        try:
            self._remember_live(ref, folder)
        except OSError as error:
            raise StoreFailed(f"The model cache at {self._root} can't note the version: {error}.") from error

    def _remember_live(self, ref: model_pb2.ModelRef, folder: Path) -> None:
        note = self._last_live.with_suffix(".new")
        note.write_text(json.dumps({"name": ref.name, "version": ref.version, "digest": folder.name}))
        note.replace(self._last_live)
        copies = sorted(
            (path for path in self._root.iterdir() if path.is_dir() and len(path.name) == 64),
            key=lambda path: path.stat().st_mtime,
        )
        for old in copies[: -self._keep]:
            if old != folder:
                self.discard(old)

    def last_live(self, name: str) -> tuple[model_pb2.ModelRef, Path] | None:
        """Returns the version of a model that was live last and its folder, or None if the store has no copy of it.

        Raises:
            ModelCorrupt: there is a copy, but its contract is not the one that its folder is named by.
        """
        try:
            note = json.loads(self._last_live.read_text())
            ref, digest = model_pb2.ModelRef(name=note["name"], version=note["version"]), note["digest"]
            folder = self._root / digest
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if ref.name != name or not _DIGEST.fullmatch(digest) or not folder.is_dir():
            return None
        if not _has_digest_of_name(folder):
            self.discard(folder)
            raise ModelCorrupt(f"The local copy of {name} version {ref.version} was changed; it is fetched again.")
        return ref, folder


def _has_digest_of_name(folder: Path) -> bool:
    """Whether the contract of a copy is the one that identifies it. The contract identifies the other files."""
    contract = folder / CONTRACT_FILE
    return contract.is_file() and file_digest(contract) == folder.name
