"""Makes a small model version whose ONNX graph tells red, green and blue pictures apart."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from verger.v1 import model_pb2

from engine.contract import CONTRACT_VERSION, PREPROCESSING_CODE_VERSION, file_digest, write_contract
from engine.model.golden import golden_pixels
from engine.model.session import OnnxSession
from engine.model.tensors import scale_pixels

LABELS = ("red", "green", "blue")
EVIDENCE_CELLS = 4


def tiny_version(folder: Path, *, size: int = 32, gain: float = 8.0, labels: tuple[str, ...] = LABELS) -> Path:
    """Writes a version directory. The logits are `gain` times the mean of each colour channel (-1 to 1)."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_graph(folder / "model.onnx", size, gain, EVIDENCE_CELLS)
    spec = model_pb2.Preprocessing(
        width=size,
        height=size,
        resampling=model_pb2.RESAMPLING_BILINEAR,
        draft_factor=2,
        color_space=model_pb2.COLOR_SPACE_RGB,
        dtype=model_pb2.DATA_TYPE_UINT8,
        scale=1 / 127.5,
        offset=-1,
        code_version=PREPROCESSING_CODE_VERSION,
    )
    session = OnnxSession(folder / "model.onnx")
    golden = []
    for seed in (1, 2):
        logits = session.logits(scale_pixels(golden_pixels(seed, size, size), spec)[None])[0]
        golden.append(model_pb2.GoldenSample(seed=seed, logits=logits, tolerance=1e-3))
    contract = model_pb2.ModelContract(
        contract_version=CONTRACT_VERSION,
        classes=[model_pb2.ClassInfo(label=label, display_names={"en": label.title()}) for label in labels],
        preprocessing=spec,
        calibration=model_pb2.Calibration(
            temperature=1,
            unsure_below=0.5,
            scope_score=model_pb2.SCOPE_SCORE_ENERGY,
            out_of_scope_below=-2,
        ),
        provenance=model_pb2.Provenance(dataset_digest=hashlib.sha256(b"colours").hexdigest()),
        golden_samples=golden,
        evidence=model_pb2.EvidenceGrid(height=EVIDENCE_CELLS, width=EVIDENCE_CELLS),
        files=[
            model_pb2.ModelFile(
                role=model_pb2.ModelFile.ROLE_SERVING,
                path="model.onnx",
                sha256=file_digest(folder / "model.onnx"),
                size_bytes=(folder / "model.onnx").stat().st_size,
            )
        ],
    )
    write_contract(contract, folder)
    return folder


def _write_graph(path: Path, size: int, gain: float, cells: int) -> None:
    """Writes the graph. The evidence of a cell is the mean of the best class's colour channel within the cell."""
    constants = {
        "weights": np.eye(3, dtype=np.float32) * np.float32(gain),
        "cell_axes": np.asarray([2, 4], np.int64),
        "grid_axes": np.asarray([1, 2], np.int64),
        "last_axis": np.asarray([-1], np.int64),
        "grid_shape": np.asarray([-1, cells, size // cells, cells, size // cells, 3], np.int64),
        "classes": np.asarray(3, np.int64),
        "off_and_on": np.asarray([0, 1], np.float32),
        "one_cell": np.asarray([-1, 1, 1, 3], np.int64),
    }
    nodes = [
        helper.make_node("Reshape", ["pixels", "grid_shape"], ["split"]),
        helper.make_node("ReduceMean", ["split", "cell_axes"], ["grid"], keepdims=0),
        helper.make_node("ReduceMean", ["grid", "grid_axes"], ["means"], keepdims=0),
        helper.make_node("MatMul", ["means", "weights"], ["logits"]),
        helper.make_node("ArgMax", ["logits"], ["best"], axis=-1, keepdims=0),
        helper.make_node("OneHot", ["best", "classes", "off_and_on"], ["chosen"]),
        helper.make_node("Reshape", ["chosen", "one_cell"], ["chosen_everywhere"]),
        helper.make_node("Mul", ["grid", "chosen_everywhere"], ["shares"]),
        helper.make_node("ReduceSum", ["shares", "last_axis"], ["evidence"], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "colours",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", size, size, 3])],
        [
            helper.make_tensor_value_info("evidence", TensorProto.FLOAT, ["n", cells, cells]),
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 3]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    onnx.save(model, path)
