"""Returns free memory to the kernel.

Environment variables of glibc set how much free memory a process keeps, because glibc reads them when the process
starts: see scripts/environment.sh and the Dockerfiles.
"""

import ctypes


def return_free_memory() -> None:
    """Returns the free memory of this process to the kernel, which takes about 10 ms. Does nothing without glibc.

    A replaced model leaves gaps in the heap, and the next model may or may not fit into them. Without this call, the
    memory of a service would vary by tens of megabytes from version to version.
    """
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)
