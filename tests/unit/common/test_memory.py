"""What a process holds of the machine's memory, as the kernel sees it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from services.common.process.memory import return_free_memory
from tests.conftest import ROOT

ROLLUP = Path("/proc/self/smaps_rollup")
PIECE = 100_000
"""Bytes. glibc maps larger pieces apart from all others, and gives those back by itself."""


def held(rollup: str) -> int:
    """MiB of memory that a process shares with no other, from its smaps_rollup."""
    return sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Private")) // 1024


THREADS_IN_TURN = f"""
from concurrent.futures import ThreadPoolExecutor
for thread in [ThreadPoolExecutor(1) for _ in range(5)]:
    thread.submit(lambda: len([b"1" * {PIECE} for _ in range(500)])).result()
print(open("{ROLLUP}").read())
"""
"""Five threads, all of which stay: each fills and frees 50 MB."""

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: glibc's malloc and /proc")


@linux
def test_a_thread_uses_what_another_one_has_freed() -> None:
    """The settings are those of launch.sh, which glibc reads when a process starts."""
    command = '. scripts/environment.sh && exec "$0" -c "$1"'
    launched = ["bash", "-c", command, sys.executable, THREADS_IN_TURN]
    done = subprocess.run(launched, cwd=ROOT, env={}, capture_output=True, text=True, check=True)
    assert held(done.stdout) < 150


@pytest.mark.parametrize("image", ["services/inference", "services/preprocess", "services/web", "trainer"])
def test_containers_have_the_settings_of_launch_sh(image: str) -> None:
    launched = (ROOT / "scripts" / "environment.sh").read_text()
    settings = dict(re.findall(r"^export (MALLOC_\w+)=(\d+)", launched, re.MULTILINE))
    contained = dict(re.findall(r"(MALLOC_\w+)=(\d+)", (ROOT / image / "Dockerfile").read_text()))
    assert settings == contained
    assert len(settings) == 3


@linux
def test_holes_between_what_is_in_use_are_given_back() -> None:
    pieces = [bytes([number % 256]) * PIECE for number in range(2000)]
    full = held(ROLLUP.read_text())
    del pieces[:-1]  # the last one lies at the heap's end, so that nothing is given back by itself
    return_free_memory()
    assert held(ROLLUP.read_text()) < full - 150
