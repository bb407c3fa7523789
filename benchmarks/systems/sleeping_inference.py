"""Runs the inference service with a forward pass that sleeps, so that two cores are enough for many replicas.

python -m benchmarks.systems.sleeping_inference takes the settings of services.inference. A forward pass takes
BENCHMARK_FORWARD_SECONDS. Everything else is the real service, including the checks of the model before it goes live.
"""

import asyncio
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from verger.v1 import model_pb2

from engine.model.loading import LoadedModel, load_model
from engine.model.session import OnnxSession
from services.common.process.start import start_process
from services.inference import champion
from services.inference.__main__ import main
from services.inference.config import InferenceSettings

FORWARD_SECONDS = float(os.environ["BENCHMARK_FORWARD_SECONDS"])


class SleepingSession(OnnxSession):
    """A session without a graph. Its answer is always the first class."""

    def __init__(self, classes: int) -> None:
        self._answer = np.eye(1, classes, dtype=np.float32) * 20

    def logits(self, _batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Sleeps for FORWARD_SECONDS, which uses no core."""
        time.sleep(FORWARD_SECONDS)
        return self._answer


def load_and_replace(ref: model_pb2.ModelRef, folder: Path, cores: int = 1) -> LoadedModel:
    """Loads and checks the model as usual, then replaces its sessions by SleepingSession."""
    model = load_model(ref, folder, cores)
    sleeping = SleepingSession(len(model.contract.classes))
    return replace(model, session=sleeping, multicore_session=sleeping)


if __name__ == "__main__":
    champion.load_model = load_and_replace  # type: ignore[attr-defined]  # champion imports it by this name
    asyncio.run(main(start_process("inference", InferenceSettings)))
