"""How much memory a process holds, according to the kernel."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from services.common.process.memory import return_free_memory
from tests.support.repository import ROOT

ROLLUP = Path("/proc/self/smaps_rollup")
BLOCK_BYTES = 100_000
"""Size of one block. glibc maps larger blocks separately and returns them to the kernel by itself."""


def private_mib(rollup: str) -> int:
    """Returns the MiB of memory that a process shares with no other process, from its smaps_rollup."""
    return sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Private")) // 1024


THREADS_IN_TURN = f"""
from concurrent.futures import ThreadPoolExecutor
for thread in [ThreadPoolExecutor(1) for _ in range(5)]:
    thread.submit(lambda: len([b"1" * {BLOCK_BYTES} for _ in range(500)])).result()
print(open("{ROLLUP}").read())
"""
"""Five threads, one after the other. Each allocates and frees 50 MB, and none of them ends."""

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: glibc's malloc and /proc")


@linux
def test_a_thread_reuses_the_memory_that_another_thread_has_freed() -> None:
    """glibc reads the settings of launch.sh when a process starts."""
    command = '. scripts/environment.sh && exec "$0" -c "$1"'
    launched = ["bash", "-c", command, sys.executable, THREADS_IN_TURN]
    done = subprocess.run(launched, cwd=ROOT, env={}, capture_output=True, text=True, check=True)
    assert private_mib(done.stdout) < 150


@pytest.mark.parametrize("image", ["services/inference", "services/preprocess", "services/web", "trainer"])
def test_containers_have_the_settings_of_launch_sh(image: str) -> None:
    launched = (ROOT / "scripts" / "environment.sh").read_text()
    settings = dict(re.findall(r"^export (MALLOC_\w+)=(\d+)", launched, re.MULTILINE))
    contained = dict(re.findall(r"(MALLOC_\w+)=(\d+)", (ROOT / image / "Dockerfile").read_text()))
    assert settings == contained
    assert len(settings) == 3


@linux
def test_free_memory_between_used_blocks_is_returned() -> None:
    blocks = [bytes([number % 256]) * BLOCK_BYTES for number in range(2000)]
    full = private_mib(ROLLUP.read_text())
    del blocks[:-1]  # the last block is at the end of the heap, so that glibc returns nothing by itself
    return_free_memory()
    assert private_mib(ROLLUP.read_text()) < full - 150
