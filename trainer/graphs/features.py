"""Runs an ONNX graph over pictures: a backbone returns features, a classifier returns logits.

Each core takes one picture at a time from file to result: on a CPU a batch is no faster than its pictures one by one,
and independent threads do not wait for each other. Memory use does not grow with the number of pictures.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from verger.v1 import model_pb2

from engine.model.session import OnnxSession
from engine.model.tensors import scale_pixels
from trainer.data.dataset import Picture
from trainer.data.pictures import map_in_threads, read_pixels
from trainer.progress import OnProgress
from trainer.views.album import View

Floats = NDArray[np.float32]

MAX_WAITING_VIEWS = 64
"""Views per worker that may be ready before the training takes them, 5 kB of features each.

Workers continue while TensorFlow compiles the first training step.
"""


def outputs(
    runtime: OnnxSession, pictures: Iterable[Picture], spec: model_pb2.Preprocessing, workers: int
) -> Iterator[Floats]:
    """Yields the graph's output for each picture, preprocessed as in serving, in order; float32 of shape [outputs]."""

    def run(picture: Picture) -> Floats:
        output: Floats = runtime.logits(scale_pixels(read_pixels(picture.path, spec), spec)[None])[0]
        return output

    return map_in_threads(run, pictures, workers)


def outputs_of_views(
    runtime: OnnxSession,
    views: Iterable[View],
    pixels_of: Callable[[View], NDArray[np.uint8]],
    spec: model_pb2.Preprocessing,
    workers: int,
) -> Iterator[Floats]:
    """Yields the graph's output for each random view, in order; float32 of shape [outputs].

    Args:
        pixels_of: returns the pixels of a view, see trainer.views.album.Album.pixels.
    """

    def run(view: View) -> Floats:
        output: Floats = runtime.logits(scale_pixels(pixels_of(view), spec)[None])[0]
        return output

    return map_in_threads(run, views, workers, MAX_WAITING_VIEWS)


def logits_of(
    graph: Path,
    pictures: Sequence[Picture],
    spec: model_pb2.Preprocessing,
    workers: int,
    progress: OnProgress,
) -> Floats:
    """Returns the graph's logits for n pictures, float32 of shape [n, classes], or [0, 0] for none.

    Args:
        progress: is called after each picture.
    """
    (logits,) = logits_of_each([graph], pictures, spec, workers, progress)
    return logits


def logits_of_each(
    graphs: Sequence[Path],
    pictures: Sequence[Picture],
    spec: model_pb2.Preprocessing,
    workers: int,
    progress: OnProgress,
) -> list[Floats]:
    """Returns the logits of several graphs as logits_of does, but decodes each picture once."""
    runtimes, rows = [OnnxSession(graph) for graph in graphs], []

    def run(picture: Picture) -> list[Floats]:
        model_input = scale_pixels(read_pixels(picture.path, spec), spec)[None]
        return [runtime.logits(model_input)[0] for runtime in runtimes]

    for row in map_in_threads(run, pictures, workers):
        rows.append(row)
        progress(len(rows), len(pictures))
    return [np.stack(found) for found in zip(*rows, strict=True)] or [np.zeros((0, 0), np.float32)] * len(graphs)
