"""A registry and a collection that are saved while they change, and restored."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.support.repository import ROOT
from tests.support.servers.collection_server import Collection, a, running_collection


def backup(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "scripts.backup", *arguments]
    environment = os.environ | {"VERGER_HOME": str(home)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data folder with a registry."""
    folder = tmp_path / "home" / "mlflow"
    (folder / "artifacts" / "1").mkdir(parents=True)
    (folder / "artifacts" / "1" / "model.onnx").write_bytes(b"graph")
    with sqlite3.connect(folder / "mlflow.db") as database:
        database.execute("create table versions (number)")
        database.execute("insert into versions values (1)")
    database.close()
    return folder.parent


def test_a_backup_holds_what_was_written_before_and_nothing_of_what_is_not_complete(home: Path, tmp_path: Path) -> None:
    open_database = sqlite3.connect(home / "mlflow" / "mlflow.db", isolation_level=None)
    open_database.execute("pragma journal_mode=wal")
    open_database.execute("insert into versions values (2)")  # is in the journal, not yet in the file
    open_database.execute("begin")
    open_database.execute("insert into versions values (3)")
    saved = backup(home, "save", str(tmp_path / "backup.tar"))
    assert saved.returncode == 0, saved.stderr
    open_database.close()
    restored = backup(tmp_path / "new", "restore", str(tmp_path / "backup.tar"))
    assert restored.returncode == 0, restored.stderr
    database = sqlite3.connect(tmp_path / "new" / "mlflow" / "mlflow.db")
    assert database.execute("select number from versions").fetchall() == [(1,), (2,)]
    database.close()
    assert (tmp_path / "new" / "mlflow" / "artifacts" / "1" / "model.onnx").read_bytes() == b"graph"
    assert {path.name for path in tmp_path.iterdir()} == {"home", "new", "backup.tar"}


def test_a_registry_is_never_overwritten(home: Path, tmp_path: Path) -> None:
    assert backup(home, "save", str(tmp_path / "backup.tar")).returncode == 0
    refused = backup(home, "restore", str(tmp_path / "backup.tar"))
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"verger: there is a registry in {home / 'mlflow'}.")


def test_a_folder_without_a_registry_can_not_be_saved(tmp_path: Path) -> None:
    refused = backup(tmp_path, "save", str(tmp_path / "backup.tar"))
    assert refused.returncode == 1
    assert "there is no registry" in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_backup_of_a_registry_alone_from_a_version_before_is_restored(home: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "old.tar", "w") as archive:
        for name in ("mlflow.db", "artifacts"):
            archive.add(home / "mlflow" / name, name)
    assert backup(tmp_path / "new", "restore", str(tmp_path / "old.tar")).returncode == 0
    assert (tmp_path / "new" / "mlflow" / "mlflow.db").exists()
    assert (tmp_path / "new" / "mlflow" / "artifacts" / "1" / "model.onnx").exists()


def collection_in(home: Path) -> AbstractContextManager[Collection]:
    return running_collection(home / "collection" / "photos", f"sqlite:///{home / 'collection' / 'collection.db'}")


def test_the_collection_is_saved_while_it_runs_and_restored_with_its_versions(home: Path, tmp_path: Path) -> None:
    with collection_in(home) as collection:
        photos = [collection.labelled(a("kiwi")) for _ in range(3)]
        digest = collection.make().dataset.digest
        saved = backup(home, "save", str(tmp_path / "backup.tar"))
        assert saved.returncode == 0, saved.stderr
        image = collection.photo(photos[0], view=2).image
        collection.add()  # later than the backup
    assert backup(tmp_path / "new", "restore", str(tmp_path / "backup.tar")).returncode == 0
    with collection_in(tmp_path / "new") as restored:
        assert sorted(restored.ids()) == sorted(photos)
        assert restored.photo(photos[0], view=2).image == image
        assert (restored.make().is_new, restored.make().dataset.digest) == (False, digest)
    refused = backup(tmp_path / "new", "restore", str(tmp_path / "backup.tar"))
    assert refused.returncode == 1
    shutil.rmtree(tmp_path / "new" / "mlflow")
    refused = backup(tmp_path / "new", "restore", str(tmp_path / "backup.tar"))
    assert refused.stderr.startswith(f"verger: there is a collection in {tmp_path / 'new' / 'collection'}.")


def test_a_photo_whose_file_is_gone_when_it_is_saved_is_not_in_the_backup(home: Path, tmp_path: Path) -> None:
    """As if it had been deleted after the copy of the database was made."""
    with collection_in(home) as collection:
        gone, kept = (collection.labelled(a("kiwi")) for _ in range(2))
        collection.make()
        name = collection.photo(gone).photo.digest
    (home / "collection" / "photos" / "images" / name[:2] / f"{name}.jpg").unlink()
    assert backup(home, "save", str(tmp_path / "backup.tar")).returncode == 0
    assert backup(tmp_path / "new", "restore", str(tmp_path / "backup.tar")).returncode == 0
    with collection_in(tmp_path / "new") as restored:
        assert restored.ids() == [kept]
        assert restored.make().dataset.version == 2
