"""Work on many pictures, side by side and in order, with a bounded number of them in memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from verger.v1 import model_pb2

from engine.photo.decoding import Limits, decode, preprocess

T = TypeVar("T")
R = TypeVar("R")


def open_picture(path: Path, spec: model_pb2.Preprocessing) -> Image.Image:
    """Decodes a file with the code that serves. Raises InvalidArgument or OSError."""
    return decode(path.read_bytes(), spec, Limits())


def read_pixels(path: Path, spec: model_pb2.Preprocessing) -> NDArray[np.uint8]:
    """A file as pixels of shape [height, width, 3]. Raises InvalidArgument or OSError."""
    return np.asarray(preprocess(path.read_bytes(), spec, Limits()))


def map_in_threads(work: Callable[[T], R], items: Iterable[T], workers: int, ahead: int = 4) -> Iterator[R]:
    """Like map, on threads: results in order, never more than workers * ahead of them waiting to be taken.

    Decoding, NumPy and ONNX Runtime release the GIL, so threads are enough. Leaving the loop early drops the rest.
    """
    queue: deque[Future[R]] = deque()
    source = iter(items)
    with ThreadPoolExecutor(workers) as threads:
        try:
            queue.extend(threads.submit(work, item) for item in islice(source, workers * ahead))
            while queue:
                result = queue.popleft().result()
                queue.extend(threads.submit(work, item) for item in islice(source, 1))
                yield result
        finally:
            for future in queue:
                future.cancel()


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size` items; the last may be shorter. (itertools.batched needs Python 3.12.)"""
    source = iter(items)
    while batch := list(islice(source, size)):
        yield batch
