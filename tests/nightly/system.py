"""The system that nightly commands run on: new data each time, and an environment that stays."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.repository import ROOT
from tests.support.systems.launched import Launched, launched

BASE = Path(os.environ.get("VERGER_HOME") or ROOT / ".verger") / "nightly"
"""Holds the environment, and what the commands leave for people to look at."""


@contextmanager
def nightly_system(home: Path) -> Iterator[Launched]:
    """Runs a system with the data folder `home` until the block ends. Its logs are kept in BASE/logs."""
    (BASE / "env").mkdir(parents=True, exist_ok=True)
    (home / "env").symlink_to(BASE / "env")
    try:
        with launched(home) as system:
            yield system
    finally:
        shutil.copytree(home / "logs", BASE / "logs", dirs_exist_ok=True)


@contextmanager
def empty_folder() -> Iterator[Path]:
    """Empties BASE/data until the block ends. Its path stays, because the programs of an environment hold it."""
    folder = BASE / "data"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def say(*lines: str) -> None:
    """Prints lines at once."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
