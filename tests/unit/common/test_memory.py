"""What a process holds of the machine's memory, as the kernel sees it."""

import sys
from pathlib import Path

import pytest

from services.common.memory import return_free_memory

PIECE = 100_000
"""Bytes. glibc maps larger pieces apart from all others, and gives those back by itself."""


def held() -> int:
    """MiB of memory that this process shares with no other."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private")) // 1024


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: glibc's malloc_trim and /proc")
def test_holes_between_what_is_in_use_are_given_back() -> None:
    pieces = [bytes([number % 256]) * PIECE for number in range(2000)]
    full = held()
    del pieces[:-1]  # the last one lies at the heap's end, so that nothing is given back by itself
    return_free_memory()
    assert held() < full - 150
