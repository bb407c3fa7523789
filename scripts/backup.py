"""Saves what a system that launch.sh runs has in one file, and restores it: MLflow's database and artifacts, and the
collection's database and photos.

usage: python -m scripts.backup save FILE      (the system may run)
       python -m scripts.backup restore FILE   (it may not)

The folders are mlflow and collection in $VERGER_HOME. A collection that settings keep elsewhere is not saved.
"""

import os
import sqlite3
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

REGISTRY, COLLECTION = Path("mlflow/mlflow.db"), Path("collection/collection.db")
ARTIFACTS = Path("mlflow/artifacts")
PHOTOS, KINDS = Path("collection/photos"), ("images", "thumbnails")


def save(home: Path, file: Path) -> None:
    """Writes the file, which appears only when it is complete.

    MLflow's database comes first: whatever is registered in this moment has all its artifacts, because a version is
    created after they have been uploaded. Of the collection, the photos come first that its database names in this
    moment. Those that are deleted while they are read are then deleted from the copy of the database, too.
    """
    if not (home / REGISTRY).exists():
        raise SystemExit(f"verger: there is no registry in {(home / REGISTRY).parent}.")
    unfinished = file.with_name(f"{file.name}.part")
    with tarfile.open(unfinished, "w") as archive:
        with _copied(home / REGISTRY) as copy:
            archive.add(copy, str(REGISTRY))
        archive.add(home / ARTIFACTS, str(ARTIFACTS))
        if (home / COLLECTION).exists():
            with _copied(home / COLLECTION) as copy:
                _add_photos(home, copy, archive)
                archive.add(copy, str(COLLECTION))
    unfinished.replace(file)


def restore(home: Path, file: Path) -> None:
    """Unpacks the file into a folder that has neither a registry nor a collection."""
    for what, database in (("registry", REGISTRY), ("collection", COLLECTION)):
        if (home / database).exists():
            folder = (home / database).parent
            raise SystemExit(f"verger: there is a {what} in {folder}. Move that folder away, or set VERGER_HOME.")
    with tarfile.open(file) as archive:
        has_registry_alone = REGISTRY.name in archive.getnames()  # made before there was a collection
        target = home / REGISTRY.parent if has_registry_alone else home
        target.mkdir(parents=True, exist_ok=True)
        archive.extractall(target, filter="data")


@contextmanager
def _copied(database: Path) -> Iterator[Path]:
    """Yields a consistent copy, whatever is written meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / database.name
        with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")  # so that the copy is one file
        yield copy


def _add_photos(home: Path, database: Path, archive: tarfile.TarFile) -> None:
    with closing(sqlite3.connect(database)) as copy:
        copy.execute("PRAGMA foreign_keys = ON")
        for (digest,) in copy.execute("SELECT DISTINCT digest FROM collection_photos").fetchall():
            names = [PHOTOS / kind / digest[:2] / f"{digest}.jpg" for kind in KINDS]
            try:
                for name in names:
                    archive.add(home / name, str(name))
            except FileNotFoundError:
                copy.execute("DELETE FROM collection_photos WHERE digest = ?", (digest,))
                copy.execute("UPDATE collection_files SET is_kept = 0 WHERE digest = ?", (digest,))
        copy.commit()


if __name__ == "__main__":
    command, name = sys.argv[1:]
    {"save": save, "restore": restore}[command](Path(os.environ["VERGER_HOME"]), Path(name))
