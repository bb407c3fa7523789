"""A small disk that can be filled. It is a tmpfs, and making one needs root."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BLOCK_BYTES = 2**20


def why_no_disk() -> str | None:
    """Returns why no disk can be made here, or None if one can."""
    return None if os.name == "posix" and os.geteuid() == 0 else "only root can mount a small disk"


@contextmanager
def small_disk(folder: Path, size_bytes: int) -> Iterator[None]:
    """Mounts a disk of so many bytes at the folder until the block ends."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """Takes all the space that is left on the disk of a folder until the block ends."""
    filler = folder / "filler"
    try:
        with filler.open("wb", buffering=0) as file:
            try:
                while file.write(bytes(BLOCK_BYTES)):
                    pass
            except OSError:
                pass  # nothing is left
        yield
    finally:
        filler.unlink()
