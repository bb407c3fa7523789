"""What a worker process does: it decodes one heavy photo at a time, and may be killed while it does.

The parent starts these processes when the first heavy photo arrives. This module imports what they need and no more.
"""

import os
import resource
import signal
import time
from pathlib import Path

from verger.v1 import model_pb2

from engine.errors import ImageTooManyPixels, InvalidArgument
from engine.photo.decoding import preprocess
from engine.photo.opening import Limits
from engine.photo.tensor import to_tensor

SPARE_BYTES = 64 * 2**20
"""Memory that decoding may take beyond its estimate before the process is refused more."""

NICENESS = 5
"""Light photos come first: everybody waits for those, and one client for this one."""


def start_worker() -> None:
    """Prepares a new worker process. Ctrl-C reaches it, too, but its parent decides when it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICENESS)


def decode_heavy(photo: bytes, spec: bytes, limits: Limits, memory_bytes: int) -> tuple[bytes, float] | InvalidArgument:
    """Decodes a photo with the memory that its estimate allows.

    Args:
        photo: the encoded photo.
        spec: a serialised verger.v1.Preprocessing.
        limits: as the parent checked them.
        memory_bytes: OpenPhoto.memory_bytes of the photo.

    Returns:
        A serialised verger.v1.Tensor and the milliseconds that decoding took, or the error to answer with.
    """
    started = time.perf_counter()
    parsed = model_pb2.Preprocessing.FromString(spec)
    _limit_memory(memory_bytes + SPARE_BYTES)
    try:
        tensor = to_tensor(preprocess(photo, parsed, limits), parsed).SerializeToString()
        return tensor, (time.perf_counter() - started) * 1e3
    except InvalidArgument as error:
        return error
    except MemoryError:
        return ImageTooManyPixels(
            "Decoding the picture takes more memory than its header suggests. Send a smaller copy."
        )


def _limit_memory(further_bytes: int) -> None:
    """Limits the address space to what the process has and so much more."""
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else None
    if pages is not None:  # elsewhere than on Linux the estimate alone has to do
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + further_bytes, hard))
