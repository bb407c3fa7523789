"""An int8 backbone for training views: half the time, and rounding changes features less than augmentation does."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from verger.v1 import model_pb2

from engine.model.session import OnnxSession
from engine.model.tensors import scale_pixels
from trainer.data.dataset import Picture
from trainer.data.pictures import read_pixels
from trainer.graphs.int8 import RANGE_PICTURES, quantise_graph
from trainer.graphs.timing import fastest_seconds

MIN_VIEWS = 2000
"""Quantising takes two seconds, which pay off from this number of views on."""
MAX_RMS_ERROR = 0.15
"""Root mean square error of the int8 features over the standard deviation of the features. The release has 0.07."""
MAX_TIME_RATIO = 0.9
"""Time of the int8 graph over the float graph's. Not every processor is faster with integers."""


def runtime_for_views(
    graph: Path, float_runtime: OnnxSession, pictures: Sequence[Picture], spec: model_pb2.Preprocessing, views: int
) -> OnnxSession:
    """Returns an int8 version of a backbone if it is faster here and accurate enough, else the float one.

    Args:
        graph: file of the float backbone, as trainer.network.assembly.feature_graph writes it.
        float_runtime: runs `graph`.
        pictures: of the data set, in an order that does not depend on their classes.
        views: number of views that will be computed.
    """
    if views < MIN_VIEWS:
        return float_runtime
    examples = [scale_pixels(read_pixels(picture.path, spec), spec)[None] for picture in pictures[:RANGE_PICTURES]]
    int8_graph = graph.with_suffix(".int8.onnx")
    quantise_graph(graph, examples, int8_graph, float_end=False)
    int8_runtime = OnnxSession(int8_graph)
    expected, found = (
        np.stack([runtime.logits(example) for example in examples]) for runtime in (float_runtime, int8_runtime)
    )
    error = float(np.sqrt(np.square(found - expected).mean()) / expected.std())
    seconds = fastest_seconds([lambda: int8_runtime.logits(examples[0]), lambda: float_runtime.logits(examples[0])])
    is_worth_it = error <= MAX_RMS_ERROR and seconds[0] <= MAX_TIME_RATIO * seconds[1]
    return int8_runtime if is_worth_it else float_runtime
