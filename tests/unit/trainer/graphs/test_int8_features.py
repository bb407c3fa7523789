"""The choice of an int8 graph for training views. The released graph stands for a backbone, its logits for features."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from engine.model.session import OnnxSession
from engine.model.tensors import scale_pixels
from tests.support.repository import ROOT
from tests.support.trainer.training import load
from trainer.data.dataset import Picture
from trainer.data.pictures import read_pixels
from trainer.data.preprocessing import mobilenet_preprocessing
from trainer.graphs import int8_features
from trainer.graphs.int8_features import MIN_VIEWS, runtime_for_views

SPEC = mobilenet_preprocessing()


@pytest.fixture(scope="module")
def pictures() -> Sequence[Picture]:
    """Drawings of fruit: for all else, this network's logits differ too little to stand for features."""
    return load(ROOT / "models" / "drawings").train


@pytest.fixture(scope="module")
def float_runtime(released_graph: Path) -> OnnxSession:
    return OnnxSession(released_graph)


@pytest.fixture
def graph(released_graph: Path, tmp_path: Path) -> Path:
    (path := tmp_path / "model.onnx").write_bytes(released_graph.read_bytes())
    return path


@pytest.fixture(autouse=True)
def half_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretends that int8 takes half the time, as on processors with instructions for it."""
    monkeypatch.setattr(int8_features, "fastest_seconds", lambda calls: [0.5, 1.0])


def test_many_views_use_an_int8_graph_with_nearly_the_same_features(
    graph: Path, float_runtime: OnnxSession, pictures: Sequence[Picture]
) -> None:
    found = runtime_for_views(graph, float_runtime, pictures, SPEC, MIN_VIEWS)
    assert found is not float_runtime
    batch = np.stack([scale_pixels(read_pixels(picture.path, SPEC), SPEC) for picture in pictures[-6:]])
    rounded, true = found.logits(batch), float_runtime.logits(batch)
    assert not np.array_equal(rounded, true)
    assert np.corrcoef(rounded.ravel(), true.ravel())[0, 1] > 0.98


def test_few_views_use_the_float_graph(graph: Path, float_runtime: OnnxSession, pictures: Sequence[Picture]) -> None:
    assert runtime_for_views(graph, float_runtime, pictures, SPEC, MIN_VIEWS - 1) is float_runtime


def test_a_processor_that_is_no_faster_with_integers_uses_the_float_graph(
    graph: Path, float_runtime: OnnxSession, pictures: Sequence[Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(int8_features, "fastest_seconds", lambda calls: [0.95, 1.0])
    assert runtime_for_views(graph, float_runtime, pictures, SPEC, MIN_VIEWS) is float_runtime


def test_an_inaccurate_int8_graph_is_not_used(
    graph: Path, float_runtime: OnnxSession, pictures: Sequence[Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(int8_features, "MAX_RMS_ERROR", 0.001)
    assert runtime_for_views(graph, float_runtime, pictures, SPEC, MIN_VIEWS) is float_runtime
