"""Deletes files from installed packages that Verger never reads: tests, headers, type stubs and build tools.

usage: python slim_image.py PREFIX [PART ...]

PREFIX is the installation prefix of the packages. PART is a folder in site-packages that the image does not need.
"""

import shutil
import sys
from pathlib import Path

FOLDERS = {"tests", "include"}
SUFFIXES = {".pyi", ".pyx", ".pxd", ".h", ".hpp", ".c", ".a", ".proto"}


def main(prefix: Path, parts: list[str]) -> None:
    """Deletes files below `prefix` but keeps console scripts and package data. Raises an error if a part is missing."""
    (packages,) = prefix.glob("lib/python3*/site-packages")
    for part in parts:
        shutil.rmtree(packages / part)
    for path in sorted(packages.rglob("*"), reverse=True):
        if path.is_dir() and path.name in FOLDERS:
            shutil.rmtree(path)
        elif path.is_file() and path.suffix in SUFFIXES:
            path.unlink()


main(Path(sys.argv[1]), sys.argv[2:])
