"""Cost of serving one version relative to another, measured side by side on this machine."""

from collections.abc import Callable

import numpy as np
from verger.v1 import model_pb2

from engine.model.session import OnnxSession
from engine.version import VersionDirectory
from trainer.evaluation.gate import Cost
from trainer.graphs.timing import fastest_seconds

SERVING = model_pb2.ModelFile.ROLE_SERVING


def compare_cost(new: VersionDirectory, other: VersionDirectory) -> Cost:
    """Compares latency and file size of the serving graphs. Takes about a second for networks of 20 ms."""
    latency = fastest_seconds([_call(version) for version in (new, other)])
    size = [version.file(SERVING).stat().st_size for version in (new, other)]
    return Cost(latency=latency[0] / latency[1], size=size[0] / size[1])


def _call(version: VersionDirectory) -> Callable[[], object]:
    """Returns a call on one blank picture; the first call, which prepares the graph, has been made."""
    runtime, spec = OnnxSession(version.file(SERVING)), version.contract.preprocessing
    picture = np.zeros((1, spec.height, spec.width, 3), np.float32)
    runtime.logits(picture)
    return lambda: runtime.logits(picture)
