"""Quantises the graph of a trained network to int8. Pure: takes a graph and example inputs, writes a graph.

This is static quantisation (Jacob et al., 2018, arXiv:1712.05877) by onnxruntime.quantization. Activations are uint8,
with ranges measured on pictures; weights are int8 with one scale per channel. Bias correction removes the shift that
rounded weights cause in the mean of each channel (Nagel et al., 2019, arXiv:1906.04721, section 4.2).
docs/decisions/0015-how-a-version-is-quantised.md compares this with alternatives.
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
from trainer.graphs.names import LOGITS_OUTPUT

Floats = NDArray[np.float32]

RANGE_PICTURES = 8
"""Pictures that the ranges of activations are measured on. 48 give logits of the same error, and take 3 s more."""

FIRST_FLOAT_CONVOLUTIONS = 2
"""Number of convolutions at the input that stay in float: their few channels have very different ranges."""

SETTINGS: Mapping[str, Any] = {
    "quant_format": QuantFormat.QDQ,
    "activation_type": QuantType.QUInt8,
    "weight_type": QuantType.QInt8,
    "per_channel": True,
    # 7 bits: processors without VNNI add two products of uint8 and int8 in 16 bits, which would overflow with 8 bits.
    "reduce_range": True,
    "calibrate_method": CalibrationMethod.MinMax,
}


def is_quantised(graph: Path) -> bool:
    """Returns whether an ONNX graph rounds any tensor to integers."""
    return any(node.op_type == "QuantizeLinear" for node in onnx.load(graph).graph.node)


def quantise_graph(graph: Path, examples: Iterable[Floats], target: Path, float_end: bool = True) -> None:
    """Writes a graph with the same inputs and outputs that computes its convolutions with integers.

    The first convolutions stay in float. Logits of only 256 values would make probabilities and evidence coarse, and
    different classes equally probable; `float_end` avoids that.

    Args:
        graph: a file with at least four convolutions.
        examples: model inputs of shape [1, height, width, 3] on which the ranges of activations are measured.
        target: the file to write.
        float_end: whether the last convolution and everything after it stay in float, which takes 10 % more time.
    """
    feeds = list(examples)
    with tempfile.TemporaryDirectory(prefix="verger-") as folder:
        fused = Path(folder) / "fused.onnx"
        # This folds batch normalisation into the convolutions. Quantised separately it costs one answer in seven.
        quant_pre_process(graph, fused, skip_symbolic_shape=True)
        model = onnx.load(fused)
        reader = _Reader(model.graph.input[0].name, feeds)
        quantize_static(fused, target, reader, nodes_to_exclude=_float_nodes(model.graph.node, float_end), **SETTINGS)
    quantised = onnx.load(target)
    _correct_biases(model, quantised, _mean_inputs(model, feeds))
    onnx.save(quantised, target)


def rounding_noise(graph: Path, batch: Floats) -> float:
    """Returns how much the logits of a quantised graph change when sums are rounded as on another processor.

    A sum that is larger by one millionth may round to the next of 256 values, which changes all later layers. With its
    optimisations off, ONNX Runtime computes the same graph in float and in another order.

    Args:
        batch: model input of shape [n, height, width, 3].

    Returns:
        Largest absolute difference of any logit.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    plain = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    (logits,) = plain.run([LOGITS_OUTPUT], {plain.get_inputs()[0].name: batch})
    return float(np.abs(OnnxSession(graph).logits(batch) - np.asarray(logits, np.float32)).max())


def _float_nodes(nodes: Sequence[onnx.NodeProto], float_end: bool) -> list[str]:
    places = [place for place, node in enumerate(nodes) if node.op_type == "Conv"]
    end = range(places[-1], len(nodes)) if float_end else ()
    return [nodes[place].name for place in [*places[:FIRST_FLOAT_CONVOLUTIONS], *end]]


def _mean_inputs(model: onnx.ModelProto, examples: Sequence[Floats]) -> Mapping[str, Floats]:
    """Returns the mean of each input channel of each convolution, by the tensor's name; each of shape [channels]."""
    names = sorted({node.input[0] for node in model.graph.node if node.op_type == "Conv"} - {model.graph.input[0].name})
    means = [f"{name}_mean" for name in names]
    extended = onnx.ModelProto()
    extended.CopyFrom(model)
    extended.graph.node.extend(
        onnx.helper.make_node("GlobalAveragePool", [name], [mean]) for name, mean in zip(names, means, strict=True)
    )
    extended.graph.output.extend(onnx.ValueInfoProto(name=mean) for mean in means)
    session = onnxruntime.InferenceSession(extended.SerializeToString(), providers=["CPUExecutionProvider"])
    found = [session.run(means, {model.graph.input[0].name: example}) for example in examples]
    return {name: np.mean(np.stack(values), axis=(0, 1, 3, 4)) for name, *values in zip(names, *found, strict=True)}


def _correct_biases(model: onnx.ModelProto, quantised: onnx.ModelProto, means: Mapping[str, Floats]) -> None:
    """Adds to each quantised bias the error that the quantised weights make on inputs with the given means.

    onnxruntime.quantization stores the integers of tensor NAME as NAME_quantized, and a bias's scale as
    NAME_quantized_scale.
    """
    original, rounded = ({tensor.name: tensor for tensor in side.graph.initializer} for side in (model, quantised))
    for node in model.graph.node:
        if node.op_type != "Conv" or f"{node.input[1]}_quantized" not in rounded:
            continue
        source, weights, bias = node.input
        integers, scale = to_array(rounded[f"{weights}_quantized"]), to_array(rounded[f"{weights}_scale"])
        error = to_array(original[weights]) - integers * scale[:, None, None, None]
        mean = (
            means[source] if error.shape[1] > 1 else means[source][:, None]
        )  # a depthwise kernel has one input channel
        shift = (error.sum((2, 3)) * mean).sum(1)
        target, unit = rounded[f"{bias}_quantized"], to_array(rounded[f"{bias}_quantized_scale"])
        target.CopyFrom(from_array(to_array(target) + np.rint(shift / unit).astype(np.int32), target.name))


class _Reader(CalibrationDataReader):
    """Passes examples to the quantiser, one at a time."""

    def __init__(self, name: str, examples: Iterable[Floats]) -> None:
        self._feeds: Iterator[dict[str, Floats]] = ({name: example} for example in examples)

    def get_next(self) -> dict[str, Floats]:
        """Returns the next example, or None after the last one (which the base class's type omits)."""
        return next(self._feeds, None)  # type: ignore[arg-type]
