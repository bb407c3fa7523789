"""What a version costs to serve, against another, measured here and now side by side."""

from collections.abc import Callable
from time import thread_time

import numpy as np
from verger.v1 import model_pb2

from engine.model.session import OnnxSession
from engine.version import VersionDirectory
from trainer.evaluation.gate import Cost

ROUNDS = 15
SERVING = model_pb2.ModelFile.ROLE_SERVING


def compare_cost(new: VersionDirectory, champion: VersionDirectory) -> Cost:
    """Latency and size of the serving graphs. Takes about a second for networks of 20 ms."""
    paths = [version.file(SERVING) for version in (new, champion)]
    calls = [_call(version) for version in (new, champion)]
    latency, size = fastest(calls), [path.stat().st_size for path in paths]
    return Cost(latency=latency[0] / latency[1], size=size[0] / size[1])


def _call(version: VersionDirectory) -> Callable[[], object]:
    """A call with one blank picture; the first one, which prepares the graph, is done."""
    runtime, spec = OnnxSession(version.file(SERVING)), version.contract.preprocessing
    picture = np.zeros((1, spec.height, spec.width, 3), np.float32)
    runtime.logits(picture)
    return lambda: runtime.logits(picture)


def fastest(calls: list[Callable[[], object]]) -> list[float]:
    """Seconds of processor of each call's best round; a graph runs on the thread that calls it.

    They take turns, so that a processor that grows slower does so for all; what else the machine does is not counted.
    """
    best = [float("inf")] * len(calls)
    for _ in range(ROUNDS):
        for number, call in enumerate(calls):
            start = thread_time()
            call()
            best[number] = min(best[number], thread_time() - start)
    return best
