"""Directories of new versions."""

from pathlib import Path

import keras
import mlflow.pyfunc
import numpy as np
import pytest
from verger.v1 import model_pb2

from engine.contract import CONTRACT_FILE, write_contract
from engine.model.loading import load_model
from engine.version import open_version
from trainer.data.names import class_info
from trainer.data.preprocessing import mobilenet_preprocessing
from trainer.evaluation.calibration import UNCALIBRATED
from trainer.network.export import draft_contract, write_float_graph, write_models


@pytest.fixture(scope="module")
def directory(classifier: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    graph = tmp_path_factory.mktemp("versions") / "float.onnx"
    write_float_graph(classifier, graph)
    path = graph.with_name("version")
    write_models(graph, classifier, path)
    contract = draft_contract(path, [class_info(label, {}) for label in "abc"], mobilenet_preprocessing(64))
    contract.calibration.CopyFrom(UNCALIBRATED)
    write_contract(contract, path)
    return path


def test_inference_accepts_it(directory: Path) -> None:
    model = load_model(model_pb2.ModelRef(name="letters", version="1"), directory)
    answer = model.classify(np.zeros((64, 64, 3), np.float32), top_k=0, include_evidence=True)
    assert len(answer.predictions) == 3
    assert (answer.evidence.height, answer.evidence.width) == (2, 2)


def test_both_models_are_in_the_contract(directory: Path) -> None:
    version = open_version(directory)
    assert version.file(model_pb2.ModelFile.ROLE_SERVING).name == "model.onnx"
    assert version.file(model_pb2.ModelFile.ROLE_TRAINING).name == "model.keras"
    assert len(version.contract.golden_samples) == 3
    assert (directory / CONTRACT_FILE).is_file()


def test_mlflow_runs_it_as_any_model(directory: Path) -> None:
    answer = mlflow.pyfunc.load_model(str(directory)).predict(np.zeros((2, 64, 64, 3), np.float32))
    assert answer["logits"].shape == (2, 3)
