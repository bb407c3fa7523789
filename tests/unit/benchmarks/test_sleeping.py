from pathlib import Path

import numpy as np
import pytest
from verger.v1 import model_pb2

from tests.support.tiny_model import tiny_version


@pytest.mark.parametrize("multicore", [False, True])
def test_the_sleeping_model_answers_the_calls_of_inference(
    multicore: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCHMARK_FORWARD_SECONDS", "0")
    from benchmarks.systems.sleeping_inference import load_and_replace

    model = load_and_replace(model_pb2.ModelRef(name="colours", version="1"), tiny_version(tmp_path), 2)
    answer = model.classify(np.zeros((32, 32, 3), np.float32), 0, include_evidence=False, multicore=multicore)
    assert answer.predictions[0].label == "red"
    assert answer.predictions[0].probability > 0.99
