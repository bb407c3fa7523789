"""Saves the registry of a system that launch.sh runs in one file, and restores it: MLflow's database and its artifacts.

usage: python -m scripts.backup save FILE      (the system may run)
       python -m scripts.backup restore FILE   (it may not)

The folder is $VERGER_HOME/mlflow.
"""

import os
import sqlite3
import sys
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path

DATABASE = "mlflow.db"
ARTIFACTS = "artifacts"


def save(folder: Path, file: Path) -> None:
    """Writes the file, which appears only when it is complete.

    The database comes first: whatever is registered in this moment has all its artifacts, because a version is created
    after they have been uploaded.
    """
    if not (folder / DATABASE).exists():
        raise SystemExit(f"verger: there is no registry in {folder}.")
    unfinished = file.with_name(f"{file.name}.part")
    with tempfile.TemporaryDirectory() as copies, tarfile.open(unfinished, "w") as archive:
        copy = Path(copies) / DATABASE
        with closing(sqlite3.connect(folder / DATABASE)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)  # a consistent copy, whatever MLflow writes meanwhile
        archive.add(copy, DATABASE)
        archive.add(folder / ARTIFACTS, ARTIFACTS)
    unfinished.replace(file)


def restore(folder: Path, file: Path) -> None:
    """Unpacks the file into a folder that has no registry."""
    if (folder / DATABASE).exists():
        raise SystemExit(f"verger: there is a registry in {folder}. Move that folder away, or set VERGER_HOME.")
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(file) as archive:
        archive.extractall(folder, filter="data")


if __name__ == "__main__":
    command, name = sys.argv[1:]
    {"save": save, "restore": restore}[command](Path(os.environ["VERGER_HOME"]) / "mlflow", Path(name))
