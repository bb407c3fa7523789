"""Quantising the released network, with ranges measured on the patterns of golden samples."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx.numpy_helper import to_array

from engine.model.golden import golden_pixels
from engine.model.session import OnnxSession
from engine.model.tensors import scale_pixels
from trainer.data.preprocessing import mobilenet_preprocessing
from trainer.graphs.int8 import is_quantised, quantise_graph, rounding_noise

Floats = NDArray[np.float32]


def patterns(*seeds: int) -> Floats:
    """Model input of shape [seeds, 224, 224, 3]."""
    spec = mobilenet_preprocessing()
    return np.stack([scale_pixels(golden_pixels(seed, spec.height, spec.width), spec) for seed in seeds])


@pytest.fixture(scope="module")
def quantised(released_graph: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    graph = tmp_path_factory.mktemp("quantised") / "model.onnx"
    quantise_graph(released_graph, (picture[None] for picture in patterns(*range(4, 12))), graph)
    return graph


def test_outputs_are_nearly_those_of_the_float_graph(quantised: Path, released_graph: Path) -> None:
    batch = patterns(1, 2, 3)
    (logits, evidence), (exact, exact_evidence) = (
        OnnxSession(graph).logits_and_evidence(batch) for graph in (quantised, released_graph)
    )
    assert np.abs(logits - exact).max() < 0.3  # 0.39 without bias correction
    assert np.corrcoef(evidence.ravel(), exact_evidence.ravel())[0, 1] > 0.9
    assert evidence.shape == exact_evidence.shape


def test_inputs_and_outputs_keep_their_names(quantised: Path, released_graph: Path) -> None:
    graphs = [onnx.load(path).graph for path in (quantised, released_graph)]
    for part in ("input", "output"):
        one, other = ([value.name for value in getattr(graph, part)] for graph in graphs)
        assert one == other


def test_weights_have_seven_bits(quantised: Path) -> None:
    """The sum of two products with uint8 then fits into 16 bits, in which some processors add."""
    weights = [to_array(tensor) for tensor in onnx.load(quantised).graph.initializer if tensor.data_type == 3]
    kernels = [tensor for tensor in weights if tensor.ndim == 4]
    assert len(kernels) == 52 - 3  # the first two and the last stay in float
    assert max(int(np.abs(kernel.astype(int)).max()) for kernel in kernels) <= 64


def test_the_end_of_the_graph_may_be_quantised_too(released_graph: Path, tmp_path: Path) -> None:
    quantise_graph(
        released_graph, (picture[None] for picture in patterns(4, 5)), tmp_path / "model.onnx", float_end=False
    )
    kernels = [tensor for tensor in onnx.load(tmp_path / "model.onnx").graph.initializer if tensor.data_type == 3]
    assert sum(len(tensor.dims) == 4 for tensor in kernels) == 52 - 2


def test_nothing_after_the_last_convolution_is_quantised(quantised: Path) -> None:
    nodes = list(onnx.load(quantised).graph.node)
    last = max(place for place, node in enumerate(nodes) if node.op_type == "Conv")
    assert not [node.name for node in nodes[last:] if "Quantize" in node.op_type]


def test_a_quantised_graph_is_recognised(quantised: Path, released_graph: Path) -> None:
    assert is_quantised(quantised)
    assert not is_quantised(released_graph)


def test_only_a_quantised_graph_has_rounding_noise(quantised: Path, released_graph: Path) -> None:
    batch = patterns(1, 2, 3)
    assert rounding_noise(released_graph, batch) < 1e-4
    assert 1e-3 < rounding_noise(quantised, batch) < 0.2
