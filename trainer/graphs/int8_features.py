"""A backbone in 8-bit integers, for training views: half the time, and views differ by more than what is rounded."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from verger.v1 import model_pb2

from engine.model.session import OnnxSession
from engine.model.tensors import scale_pixels
from trainer.data.dataset import Picture
from trainer.data.pictures import read_pixels
from trainer.evaluation.latency import fastest
from trainer.network.int8 import quantise_graph

FEWEST_VIEWS = 2000
"""Quantising takes two seconds, which so many views make up for."""
EXAMPLES = 16
"""Pictures to measure ranges on; 64 give the same features."""
LARGEST_ERROR = 0.15
"""Root mean square of what rounding changes, as a share of the features' standard deviation. The release: 0.07."""
LARGEST_TIME = 0.9
"""As a multiple of the exact one's. Not every processor is quicker with integers."""


def quick_runtime(
    graph: Path, exact: OnnxSession, pictures: Sequence[Picture], spec: model_pb2.Preprocessing, views: int
) -> OnnxSession:
    """The quantised graph where it is worth it here and sees nearly the same features; else the exact one.

    Args:
        graph: as trainer.network.assembly.feature_graph makes it; `exact` runs it.
        pictures: of the data set, in an order that has nothing to do with their classes.
        views: how many there will be.
    """
    if views < FEWEST_VIEWS:
        return exact
    examples = [scale_pixels(read_pixels(picture.path, spec), spec)[None] for picture in pictures[:EXAMPLES]]
    rounded = graph.with_suffix(".int8.onnx")
    quantise_graph(graph, examples, rounded, exact_end=False)
    quick = OnnxSession(rounded)
    features, found = (np.stack([runtime.logits(example) for example in examples]) for runtime in (exact, quick))
    error = float(np.sqrt(np.square(found - features).mean()) / features.std())
    seconds = fastest([lambda: quick.logits(examples[0]), lambda: exact.logits(examples[0])])
    return quick if error <= LARGEST_ERROR and seconds[0] <= LARGEST_TIME * seconds[1] else exact
