"""Returns free memory to the kernel.

Environment variables of glibc set how much free memory a process keeps, because glibc reads them when the process
starts: see scripts/environment.sh and the Dockerfiles.
"""

import ctypes
import os
from pathlib import Path

CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def return_free_memory() -> None:
    """Returns the free memory of this process to the kernel, which takes about 10 ms. Does nothing without glibc.

    A replaced model leaves gaps in the heap, and the next model may or may not fit into them. Without this call, the
    memory of a service would vary by tens of megabytes from version to version.
    """
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)


def memory_limit_bytes() -> int:
    """Memory that this process may use, in bytes: the container's limit (cgroup v2 or v1), else the machine's."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [int(text) for path in CGROUP_LIMITS if (text := _read(path)).isdecimal()]
    return min([machine, *limits])


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
