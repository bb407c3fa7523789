"""How this process treats memory: that of photos and tensors, and that of Python's objects."""

import ctypes
import gc

# malloc.h
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

LARGEST_REUSED_BYTES = 32 * 2**20
"""The most that glibc takes. A picture of 64 million pixels comes in blocks of half that size."""
KEPT_BYTES = 64 * 2**20
"""Free memory at a heap's end that stays with the process."""


def prepare_memory() -> None:
    """Lets the next photo use the memory of the last one, and no collection look at what imports made.

    By itself glibc gives each large piece back at once, and the page faults of getting it again take a tenth of the
    time that a photo of 1600 x 1067 needs. And it gives each thread a heap of its own, which keeps what is free: with
    a dozen threads that is twice the memory, which grows for half an hour of mixed load. One heap for all is as fast,
    since a photo needs few pieces. Other C libraries keep memory anyway, or can't be told. Looking through the objects
    of all imported modules takes inference 0.1 s, in which nobody is answered.

    Call it before there are threads: a heap that is there stays.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, LARGEST_REUSED_BYTES)
        mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)
        mallopt(_M_ARENA_MAX, 1)
    gc.freeze()


def return_free_memory() -> None:
    """Gives the kernel back what this process holds and does not use; takes 10 ms.

    A model that was replaced leaves holes, which the next one fits in by chance: without this, what a service holds
    wanders by tens of megabytes from version to version.
    """
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)
