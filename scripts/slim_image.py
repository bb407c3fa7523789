"""Takes out of an image's packages what no program of Verger ever reads: tests, headers, type stubs, build tools.

usage: python slim_image.py PREFIX [PART ...]

PREFIX: what packages were installed into. PART: a folder below its site-packages that this image can do without.
"""

import shutil
import sys
from pathlib import Path

FOLDERS = {"tests", "include"}
SUFFIXES = {".pyi", ".pyx", ".pxd", ".h", ".hpp", ".c", ".a", ".proto"}


def main(prefix: Path, parts: list[str]) -> None:
    """Deletes below `prefix`; console scripts and package data stay. A part that is not there is an error."""
    (packages,) = prefix.glob("lib/python3*/site-packages")
    for part in parts:
        shutil.rmtree(packages / part)
    for path in sorted(packages.rglob("*"), reverse=True):
        if path.is_dir() and path.name in FOLDERS:
            shutil.rmtree(path)
        elif path.is_file() and path.suffix in SUFFIXES:
            path.unlink()


main(Path(sys.argv[1]), sys.argv[2:])
