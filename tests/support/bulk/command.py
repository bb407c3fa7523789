"""Runs `python -m bulk` in a process of its own, and looks at what it leaves."""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from tests.support.repository import ROOT

SECONDS = 240
"""Limit of one command, on machines that do much else."""


def command_of(*arguments: str | Path, python: str = sys.executable) -> list[str]:
    """The command line that classifies."""
    return [python, "-m", "bulk", "classify", *map(str, arguments)]


def environment_of(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of a command: two processes unless the settings say otherwise."""
    path = os.pathsep.join(filter(None, [settings.get("PYTHONPATH"), str(ROOT)]))
    return os.environ | {"VERGER_BULK_WORKERS": "2"} | settings | {"PYTHONPATH": path}


def bulk(*arguments: str | Path, cwd: Path, python: str = sys.executable, **settings: str) -> tuple[int, str, str]:
    """Runs a command to its end. Returns its exit status, its output and its notes."""
    done = subprocess.run(
        command_of(*arguments, python=python),
        cwd=cwd,
        env=environment_of(settings),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@contextmanager
def bulk_running(
    *arguments: str | Path, cwd: Path, python: str = sys.executable, **settings: str
) -> Iterator["subprocess.Popen[bytes]"]:
    """Runs a command in the background, and kills it at the end of the block."""
    process = subprocess.Popen(
        command_of(*arguments, python=python),
        cwd=cwd,
        env=environment_of(settings),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stderr.close() if process.stderr else None


def rows_of(output: Path) -> list[dict[str, Any]]:
    """All rows of a folder of results, in order."""
    parts = sorted((output / "parts").iterdir())
    tables = [pa.parquet.read_table(part) for part in parts]
    rows: list[dict[str, Any]] = pa.concat_tables(tables).to_pylist()
    return rows


def content_of(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, by its path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def have_ended(pids: Iterable[int]) -> bool:
    """Whether no process of these runs any more. One that nobody has asked for its status is a zombie."""
    for pid in pids:
        with suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                return False
    return True
