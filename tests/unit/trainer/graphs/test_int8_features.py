"""When training views go through integers. The graph is the release's, whose logits stand for features."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from engine.model.session import OnnxSession
from engine.model.tensors import scale_pixels
from tests.support.shapes import write_parts
from tests.unit.trainer.network.test_int8 import FLOAT
from trainer.data.dataset import Picture, load_dataset
from trainer.data.pictures import read_pixels
from trainer.data.preprocessing import mobilenet_preprocessing
from trainer.network import int8_features as quick
from trainer.network.int8_features import FEWEST_VIEWS, quick_runtime

SPEC = mobilenet_preprocessing()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Picture]:
    folder = write_parts(tmp_path_factory.mktemp("shapes"), 12, 2)
    return load_dataset(folder, [], [], 2, lambda done, total: None).train


@pytest.fixture(scope="module")
def exact() -> OnnxSession:
    return OnnxSession(FLOAT)


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    (path := tmp_path / "model.onnx").write_bytes(FLOAT.read_bytes())
    return path


@pytest.fixture(autouse=True)
def half_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a processor with instructions for it needs; this one may have none."""
    monkeypatch.setattr(quick, "fastest", lambda calls: [0.5, 1.0])


def test_many_views_are_seen_nearly_as_by_the_exact_graph(
    graph: Path, exact: OnnxSession, pictures: Sequence[Picture]
) -> None:
    found = quick_runtime(graph, exact, pictures, SPEC, FEWEST_VIEWS)
    assert found is not exact
    batch = np.stack([scale_pixels(read_pixels(picture.path, SPEC), SPEC) for picture in pictures[-6:]])
    rounded, true = found.logits(batch), exact.logits(batch)
    assert not np.array_equal(rounded, true)
    assert np.corrcoef(rounded.ravel(), true.ravel())[0, 1] > 0.98


def test_for_few_views_it_is_not_worth_it(graph: Path, exact: OnnxSession, pictures: Sequence[Picture]) -> None:
    assert quick_runtime(graph, exact, pictures, SPEC, FEWEST_VIEWS - 1) is exact


def test_nor_on_a_processor_that_is_no_quicker_with_integers(
    graph: Path, exact: OnnxSession, pictures: Sequence[Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quick, "fastest", lambda calls: [0.95, 1.0])
    assert quick_runtime(graph, exact, pictures, SPEC, FEWEST_VIEWS) is exact


def test_nor_where_rounding_changes_too_much(
    graph: Path, exact: OnnxSession, pictures: Sequence[Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quick, "LARGEST_ERROR", 0.001)
    assert quick_runtime(graph, exact, pictures, SPEC, FEWEST_VIEWS) is exact
