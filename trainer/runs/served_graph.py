"""Chooses the graph that a version serves: in 8-bit integers where these are worth what they lose, else in float."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.model.tensors import scale_pixels
from trainer.data.dataset import class_indices
from trainer.data.pictures import map_in_threads, read_pixels
from trainer.evaluation.gate import worth_quantising
from trainer.evaluation.latency import compare_cost
from trainer.graphs.features import logits_of_each
from trainer.graphs.int8 import RANGE_PICTURES, quantise_graph, rounding_noise
from trainer.network.export import GOLDEN_TOLERANCE, golden_batch
from trainer.training.context import RunContext

NOISE_MARGIN = 4
"""Tolerance of the golden samples over the rounding noise on this machine.

It is twice the largest ratio seen when inputs were scaled by 1 + 1e-7 to 1 + 1e-5.
"""


@dataclass(frozen=True)
class ServedGraph:
    """A graph with the logits and evidence of a version."""

    path: Path
    tolerance: float
    """Tolerance of its golden samples, as an absolute difference of logits."""
    logits: NDArray[np.float32]
    """Its logits of the test pictures, shape [n, classes]."""
    arithmetic: str
    """See Evaluation.arithmetic."""


def choose_served_graph(context: RunContext, graph: Path) -> ServedGraph:
    """Quantises a float graph, compares both on the test pictures, and returns the one to serve.

    The ranges of activations are measured on the first training pictures by digest, a random sample that needs no seed.
    """
    spec, pictures, target = context.preprocessing, context.dataset.test, graph.with_suffix(".int8.onnx")
    with context.progress.waiting("Quantising to 8-bit integers"):
        examples = map_in_threads(
            lambda picture: scale_pixels(read_pixels(picture.path, spec), spec)[None],
            context.dataset.train[:RANGE_PICTURES],
            context.workers,
        )
        quantise_graph(graph, examples, target)
        cost = compare_cost((target, spec), (graph, spec))
    with context.progress.counting("Testing in 8-bit integers and in float") as progress:
        quantised, exact = logits_of_each([target, graph], pictures, spec, context.workers, progress)
    targets = class_indices(pictures, context.dataset.labels)
    right = [int((logits.argmax(axis=1) == targets).sum()) for logits in (quantised, exact)]
    found = worth_quantising(right[0], right[1], len(pictures), cost)
    if not found.is_worth_it:
        return ServedGraph(graph, GOLDEN_TOLERANCE, exact, found.reason)
    tolerance = max(GOLDEN_TOLERANCE, NOISE_MARGIN * rounding_noise(target, golden_batch(spec)))
    return ServedGraph(target, tolerance, quantised, found.reason)
