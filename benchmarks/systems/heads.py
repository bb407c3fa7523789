"""Makes models with any number of classes from the released backbone and a random last layer."""

import shutil
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper
from verger.v1 import model_pb2

from benchmarks.systems.servers import MODEL
from engine.contract import CONTRACT_FILE, file_digest, read_contract, serving_file, write_contract
from engine.model.golden import golden_pixels
from engine.model.session import OnnxSession
from engine.model.tensors import scale_pixels
from services.inference.store import ModelStore

NAME = "fruit-classifier"


def store_of(version: Path, store: Path) -> Path:
    """Puts a version into a new store as the one that inference loads without a registry. Returns the store."""
    shutil.rmtree(store, ignore_errors=True)
    models = ModelStore(store)
    folder = models.add(lambda path, destination: shutil.copy(version / path, destination / path))
    models.remember_live(model_pb2.ModelRef(name=NAME, version="1"), folder)
    return store


def version_with(classes: int, folder: Path) -> Path:
    """Writes a version directory with `classes` classes to `folder`, and returns `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    contract = read_contract(MODEL / CONTRACT_FILE)
    file = serving_file(contract)
    path = folder / file.path
    _write_graph(MODEL / file.path, classes, path)
    runtime, spec = OnnxSession(path), contract.preprocessing
    for sample in contract.golden_samples:
        pixels = scale_pixels(golden_pixels(sample.seed, spec.height, spec.width), spec)
        sample.logits[:] = runtime.logits(pixels[None])[0]
    del contract.classes[:], contract.files[:]
    labels = [f"class-{number}" for number in range(classes)]
    contract.classes.extend(model_pb2.ClassInfo(label=label, display_names={"en": label}) for label in labels)
    contract.files.add(role=file.role, path=file.path, sha256=file_digest(path), size_bytes=path.stat().st_size)
    write_contract(contract, folder)
    return folder


def _write_graph(source: Path, classes: int, path: Path) -> None:
    """Replaces the weights and biases that compute "logits", and the copy of the weights that computes the evidence."""
    model = onnx.load(source)
    makers = {name: node for node in model.graph.node for name in node.output}
    product, biases = makers["logits"].input
    _, weights = makers[product].input
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    units, before = tensors[weights].dims
    random = np.random.default_rng(classes).normal(0, 0.1, (units, classes)).astype(np.float32)
    new = {weights: random, biases: np.zeros(classes, np.float32)}
    new |= {name: random.T for name, tensor in tensors.items() if list(tensor.dims) == [before, units]}
    for name, values in new.items():
        tensors[name].CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values), name))
    for output in model.graph.output:
        if output.name == "logits":
            output.CopyFrom(helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ["n", classes]))
    del model.graph.value_info[:]  # these shapes are those of the old layer
    onnx.save(model, path)
