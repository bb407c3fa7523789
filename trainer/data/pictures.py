"""Reads pictures, and processes many of them in parallel with bounded memory."""

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

from engine.photo.decoding import decode, preprocess
from engine.photo.opening import Limits

T = TypeVar("T")
R = TypeVar("R")


def open_picture(path: Path, spec: model_pb2.Preprocessing) -> Image.Image:
    """Decodes a file as serving does. Raises InvalidArgument or OSError."""
    return decode(path.read_bytes(), spec, Limits())


def read_pixels(path: Path, spec: model_pb2.Preprocessing) -> NDArray[np.uint8]:
    """Decodes and resizes a file to uint8 pixels of shape [height, width, 3]. Raises InvalidArgument or OSError."""
    return np.asarray(preprocess(path.read_bytes(), spec, Limits()))


def map_in_threads(work: Callable[[T], R], items: Iterable[T], workers: int, ahead: int = 4) -> Iterator[R]:
    """Works like `map`, on threads: yields results in order, with at most workers * ahead of them waiting.

    Decoding, NumPy and ONNX Runtime release the GIL, so threads suffice. Closing the iterator cancels the rest.
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
    """Yields lists of `size` items; the last one may be shorter. (itertools.batched needs Python 3.12.)"""
    source = iter(items)
    while batch := list(islice(source, size)):
        yield batch
