"""Gives memory back to the kernel.

How much freed memory a process keeps is set through glibc's environment variables, since they must be there before the
process starts: see scripts/environment.sh and the Dockerfiles.
"""

import ctypes


def return_free_memory() -> None:
    """Gives the kernel back what this process holds and does not use; takes about 10 ms. Does nothing without glibc.

    A replaced model leaves gaps that the next one fills only by chance: without this call the memory of a service
    varies by tens of megabytes from version to version.
    """
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)
