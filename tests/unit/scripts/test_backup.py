"""A registry that is saved while it changes, and restored."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.repository import ROOT


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
