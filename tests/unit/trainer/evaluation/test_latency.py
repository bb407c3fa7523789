"""Cost of a version relative to another one."""

from pathlib import Path

import onnx
import pytest

from engine.version import VersionDirectory, open_version
from tests.support.tiny_model import tiny_version
from trainer.evaluation.latency import compare_cost


def padded(graph: bytes) -> bytes:
    """Returns the graph with a comment of half its length."""
    model = onnx.load_from_string(graph)
    model.doc_string = "x" * (len(graph) // 2)
    return bytes(model.SerializeToString())


def test_the_size_is_that_of_the_served_file(tmp_path: Path) -> None:
    small = open_version(tiny_version(tmp_path / "small"))
    large = VersionDirectory(tmp_path / "large", small.contract)
    large.path.mkdir()
    (large.path / "model.onnx").write_bytes(padded((small.path / "model.onnx").read_bytes()))
    assert compare_cost(large, small).size == pytest.approx(1.5, abs=0.01)


def test_more_pixels_take_longer(tmp_path: Path) -> None:
    """The factor of a thousand exceeds any noise."""
    small = open_version(tiny_version(tmp_path / "small", size=32))
    large = open_version(tiny_version(tmp_path / "large", size=1024))
    assert compare_cost(large, small).latency > 2
    assert compare_cost(small, large).latency < 0.5
