"""Verified local copies of model versions, each in a folder named by its digest, and which of them was live last."""

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import structlog
from verger.v1 import model_pb2

from engine.contract import CONTRACT_FILE, file_digest, read_contract, serving_file

log = structlog.get_logger(__name__)

Download = Callable[[str, Path], object]
"""Fetches the file at a path relative to the version's root into a folder, keeping the relative path."""


class ModelStore:
    """A folder of this service's own. Several processes may share it: copies appear in one step and never change."""

    def __init__(self, root: Path, keep: int = 3) -> None:
        """Keeps the `keep` copies that were added last; the live one always is among them."""
        self._root = root
        self._keep = keep
        self._last_live = root / "live.json"
        root.mkdir(parents=True, exist_ok=True)

    def add(self, download: Download) -> Path:
        """Fetches a version unless its content is here already; returns its folder.

        The contract comes first: it names the content, and a version that can't be honoured costs no download.

        Raises:
            ModelCorrupt, ContractUnsupported: see read_contract.
        """
        with tempfile.TemporaryDirectory(dir=self._root, prefix="incoming-", ignore_cleanup_errors=True) as incoming:
            folder = Path(incoming)
            download(CONTRACT_FILE, folder)
            contract = read_contract(folder / CONTRACT_FILE)
            home = self._root / file_digest(folder / CONTRACT_FILE)
            if not home.exists():
                download(serving_file(contract).path, folder)
                shutil.copytree(folder, staged := Path(f"{folder}-done"))
                try:
                    staged.rename(home)
                except OSError:  # another process was first with the same content
                    shutil.rmtree(staged)
        home.touch()
        return home

    def discard(self, folder: Path) -> None:
        """Drops a copy that turned out to be damaged, so that it is fetched again."""
        shutil.rmtree(folder, ignore_errors=True)

    def remember_live(self, ref: model_pb2.ModelRef, folder: Path) -> None:
        """Notes which version to start with when the registry is away, and clears out old copies."""
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
        """The version of this model that was live last, when its copy is still here."""
        try:
            note = json.loads(self._last_live.read_text())
            ref, folder = model_pb2.ModelRef(name=note["name"], version=note["version"]), self._root / note["digest"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return (ref, folder) if ref.name == name and folder.is_dir() else None
