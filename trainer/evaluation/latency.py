"""Cost of serving one graph relative to another, measured side by side on this machine."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from verger.v1 import model_pb2

from engine.model.session import OnnxSession
from trainer.evaluation.gate import Cost
from trainer.graphs.timing import fastest_seconds

Graph = tuple[Path, model_pb2.Preprocessing]
"""A serving graph and the preprocessing of its input."""


def compare_cost(new: Graph, other: Graph) -> Cost:
    """Compares latency and file size of serving graphs. Takes about a second for networks of 20 ms."""
    latency = fastest_seconds([_call(*graph) for graph in (new, other)])
    size = [path.stat().st_size for path, _ in (new, other)]
    return Cost(latency=latency[0] / latency[1], size=size[0] / size[1])


def _call(path: Path, spec: model_pb2.Preprocessing) -> Callable[[], object]:
    """Returns a call on one blank picture; the first call, which prepares the graph, has been made."""
    runtime = OnnxSession(path)
    picture = np.zeros((1, spec.height, spec.width, 3), np.float32)
    runtime.logits(picture)
    return lambda: runtime.logits(picture)
