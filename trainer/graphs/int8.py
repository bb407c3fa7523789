"""Rounds the graph of a trained network to 8-bit integers. Pure: a graph and example inputs in, a graph out.

Static quantisation (Jacob et al., 2018, arXiv:1712.05877) by onnxruntime.quantization: activations are uint8, their
ranges measured on pictures; weights are int8 with a scale for each channel. What rounding the weights adds to the mean
of each channel is taken off its bias again (Nagel et al., 2019, arXiv:1906.04721, section 4.2).
docs/decisions/0015-how-a-version-is-quantised.md compares this with what else was tried.
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx.numpy_helper import from_array, to_array
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quant_pre_process,
    quantize_static,
)

from engine.model.session import OnnxSession
from trainer.network.gradcam import LOGITS_OUTPUT

Floats = NDArray[np.float32]

FIRST_IN_FLOAT = 2
"""Convolutions: they see the picture itself, in few channels of very different ranges."""

SETTINGS: Mapping[str, Any] = {
    "quant_format": QuantFormat.QDQ,
    "activation_type": QuantType.QUInt8,
    "weight_type": QuantType.QInt8,
    "per_channel": True,
    # 7 bits. Processors without VNNI add two products of uint8 and int8 in 16 bits, which overflow with 8.
    "reduce_range": True,
    "calibrate_method": CalibrationMethod.MinMax,
}


def is_quantised(graph: Path) -> bool:
    """Whether any tensor of an ONNX graph is rounded to integers."""
    return any(node.op_type == "QuantizeLinear" for node in onnx.load(graph).graph.node)


def quantise_graph(graph: Path, examples: Iterable[Floats], target: Path, exact_end: bool = True) -> None:
    """Writes a graph of the same inputs and outputs that computes its convolutions with integers.

    The first convolutions stay in float. At the end logits in 256 steps would make probabilities coarse and answers
    equal, and evidence too.

    Args:
        graph: with at least four convolutions.
        examples: model input, each of shape [1, height, width, 3], to measure the ranges of activations on.
        target: a file that is made.
        exact_end: whether the last convolution and all behind it stay in float, for a tenth more time.
    """
    feeds = list(examples)
    with tempfile.TemporaryDirectory(prefix="verger-") as folder:
        fused = Path(folder) / "fused.onnx"
        # Scales and offsets of batch normalisation go into the convolutions before them. Rounded on their own they cost
        # a seventh of all answers.
        quant_pre_process(graph, fused, skip_symbolic_shape=True)
        model = onnx.load(fused)
        reader = _Reader(model.graph.input[0].name, feeds)
        quantize_static(fused, target, reader, nodes_to_exclude=_kept_in_float(model.graph.node, exact_end), **SETTINGS)
    quantised = onnx.load(target)
    _correct_biases(model, quantised, _mean_inputs(model, feeds))
    onnx.save(quantised, target)


def rounding_noise(graph: Path, batch: Floats) -> float:
    """How far logits of a quantised graph move when sums are rounded in another way, as on another processor.

    A sum that comes out a millionth larger may be rounded to the next of 256 steps, which moves all that follows.
    Without its optimisations ONNX Runtime computes the same graph in float, in another order.

    Args:
        batch: model input of shape [n, height, width, 3].

    Returns:
        The largest absolute difference of any logit.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    plain = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    (logits,) = plain.run([LOGITS_OUTPUT], {plain.get_inputs()[0].name: batch})
    return float(np.abs(OnnxSession(graph).logits(batch) - np.asarray(logits, np.float32)).max())


def _kept_in_float(nodes: Sequence[onnx.NodeProto], exact_end: bool) -> list[str]:
    places = [place for place, node in enumerate(nodes) if node.op_type == "Conv"]
    end = range(places[-1], len(nodes)) if exact_end else ()
    return [nodes[place].name for place in [*places[:FIRST_IN_FLOAT], *end]]


def _mean_inputs(model: onnx.ModelProto, examples: Sequence[Floats]) -> Mapping[str, Floats]:
    """The mean of each channel of what each convolution is fed, by the tensor's name; shape [channels]."""
    names = sorted({node.input[0] for node in model.graph.node if node.op_type == "Conv"} - {model.graph.input[0].name})
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    watched.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    session = onnxruntime.InferenceSession(watched.SerializeToString(), providers=["CPUExecutionProvider"])
    sums = [np.float64(0)] * len(names)
    for example in examples:
        found = session.run(names, {model.graph.input[0].name: example})
        sums = [total + np.asarray(value).mean((0, 2, 3)) for total, value in zip(sums, found, strict=True)]
    return {name: np.asarray(total / len(examples), np.float32) for name, total in zip(names, sums, strict=True)}


def _correct_biases(model: onnx.ModelProto, quantised: onnx.ModelProto, means: Mapping[str, Floats]) -> None:
    """Adds to each rounded bias what its rounded weights lack on inputs of the given means.

    onnxruntime.quantization names the integers of a tensor NAME_quantized; a bias has the scale NAME_quantized_scale.
    """
    exact, rounded = ({tensor.name: tensor for tensor in side.graph.initializer} for side in (model, quantised))
    for node in model.graph.node:
        if node.op_type != "Conv" or f"{node.input[1]}_quantized" not in rounded:
            continue
        source, weights, bias = node.input
        integers, scale = to_array(rounded[f"{weights}_quantized"]), to_array(rounded[f"{weights}_scale"])
        missing = to_array(exact[weights]) - integers * scale[:, None, None, None]
        mean = means[source] if missing.shape[1] > 1 else means[source][:, None]  # depthwise: each channel has its own
        lack = (missing.sum((2, 3)) * mean).sum(1)
        target, unit = rounded[f"{bias}_quantized"], to_array(rounded[f"{bias}_quantized_scale"])
        target.CopyFrom(from_array(to_array(target) + np.rint(lack / unit).astype(np.int32), target.name))


class _Reader(CalibrationDataReader):
    """Hands examples to the quantiser, one at a time."""

    def __init__(self, name: str, examples: Iterable[Floats]) -> None:
        self._feeds: Iterator[dict[str, Floats]] = ({name: example} for example in examples)

    def get_next(self) -> dict[str, Floats]:
        """The next example; None after the last, which the base class's type does not say."""
        return next(self._feeds, None)  # type: ignore[arg-type]
