"""What a worker process does: it decodes one heavy photo at a time, and may be killed while it does.

The parent starts these processes when the first heavy photo arrives. This module imports what they need and no more.
"""

import time

from verger.v1 import model_pb2

from engine.errors import ImageTooManyPixels, InvalidArgument
from engine.photo.decoding import preprocess
from engine.photo.opening import Limits
from engine.photo.tensor import to_tensor
from services.common.capacity.processes import limit_memory


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
    limit_memory(memory_bytes)
    try:
        tensor = to_tensor(preprocess(photo, parsed, limits), parsed).SerializeToString()
        return tensor, (time.perf_counter() - started) * 1e3
    except InvalidArgument as error:
        return error
    except MemoryError:
        return ImageTooManyPixels(
            "Decoding the picture takes more memory than its header suggests. Send a smaller copy."
        )
