"""What a version costs to serve, against another, measured here and now side by side."""

from collections.abc import Callable
from time import perf_counter

import numpy as np
from verger.v1 import model_pb2

from services.inference.runtime import OnnxRuntime
from trainer.gate import Cost
from trainer.version import VersionDirectory

ROUNDS = 15
SERVING = model_pb2.ModelFile.ROLE_SERVING


def compare_cost(new: VersionDirectory, champion: VersionDirectory) -> Cost:
    """Latency and size of the serving graphs. Takes about a second for networks of 20 ms."""
    paths = [version.file(SERVING) for version in (new, champion)]
    calls = [_call(version) for version in (new, champion)]
    latency, size = _fastest(calls), [path.stat().st_size for path in paths]
    return Cost(latency=latency[0] / latency[1], size=size[0] / size[1])


def _call(version: VersionDirectory) -> Callable[[], object]:
    """A call with one blank picture; the first one, which prepares the graph, is done."""
    runtime, spec = OnnxRuntime(version.file(SERVING)), version.contract.preprocessing
    picture = np.zeros((1, spec.height, spec.width, 3), np.float32)
    runtime.logits(picture)
    return lambda: runtime.logits(picture)


def _fastest(calls: list[Callable[[], object]]) -> list[float]:
    """Seconds of each call's best round. They take turns, so that what else the machine does slows all of them."""
    best = [float("inf")] * len(calls)
    for _ in range(ROUNDS):
        for number, call in enumerate(calls):
            start = perf_counter()
            call()
            best[number] = min(best[number], perf_counter() - start)
    return best
