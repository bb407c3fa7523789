"""Runs an ONNX graph over pictures: a backbone gives features, a whole classifier gives logits.

Each core takes one picture at a time from file to result: on processors a batch is no faster than its pictures one by
one, and threads that share nothing wait for nothing. Memory does not grow with the number of pictures.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from verger.v1 import model_pb2

from engine.model.session import OnnxSession
from engine.model.tensors import scale_pixels
from trainer.data.augment import Augmentation
from trainer.data.dataset import Picture
from trainer.data.pictures import map_in_threads, read_pixels
from trainer.data.views import View

Floats = NDArray[np.float32]

VIEWS_AHEAD = 64
"""Of each worker: views go on while the first training step is compiled. What waits is 5 kB of features for each."""


def outputs(
    runtime: OnnxSession, pictures: Iterable[Picture], spec: model_pb2.Preprocessing, workers: int
) -> Iterator[Floats]:
    """The graph's output for each picture as serving sees it, in order; each float32 of shape [outputs]."""

    def run(picture: Picture) -> Floats:
        output: Floats = runtime.logits(scale_pixels(read_pixels(picture.path, spec), spec)[None])[0]
        return output

    return map_in_threads(run, pictures, workers)


def outputs_of_views(
    runtime: OnnxSession,
    views: Iterable[View],
    spec: model_pb2.Preprocessing,
    augmentation: Augmentation,
    workers: int,
) -> Iterator[Floats]:
    """The graph's output for random views of pictures, in order; each float32 of shape [outputs]."""

    def run(view: View) -> Floats:
        output: Floats = runtime.logits(scale_pixels(view.pixels(spec, augmentation), spec)[None])[0]
        return output

    return map_in_threads(run, views, workers, VIEWS_AHEAD)
