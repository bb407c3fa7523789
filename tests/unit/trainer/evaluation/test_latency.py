"""Cost of a version relative to another one."""

from pathlib import Path

import onnx
import pytest
from verger.v1 import model_pb2

from engine.version import open_version
from tests.support.tiny_model import tiny_version
from trainer.evaluation.latency import compare_cost


def graph_of(folder: Path, size: int = 32) -> tuple[Path, model_pb2.Preprocessing]:
    version = open_version(tiny_version(folder, size=size))
    return version.path / "model.onnx", version.contract.preprocessing


def padded(graph: bytes) -> bytes:
    """Returns the graph with a comment of half its length."""
    model = onnx.load_from_string(graph)
    model.doc_string = "x" * (len(graph) // 2)
    return bytes(model.SerializeToString())


def test_the_size_is_that_of_the_served_file(tmp_path: Path) -> None:
    small, spec = graph_of(tmp_path / "small")
    (tmp_path / "large.onnx").write_bytes(padded(small.read_bytes()))
    assert compare_cost((tmp_path / "large.onnx", spec), (small, spec)).size == pytest.approx(1.5, abs=0.01)


def test_more_pixels_take_longer(tmp_path: Path) -> None:
    """The factor of a thousand exceeds any noise."""
    small, large = graph_of(tmp_path / "small", 32), graph_of(tmp_path / "large", 1024)
    assert compare_cost(large, small).latency > 2
    assert compare_cost(small, large).latency < 0.5
