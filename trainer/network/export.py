"""Writes the directory of a new model version; engine.version describes its files."""

from collections.abc import Sequence
from pathlib import Path

import keras
import mlflow.onnx
import numpy as np
import onnx
import onnxruntime
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec
from numpy.typing import NDArray
from verger.v1 import model_pb2

from engine.contract import CONTRACT_VERSION, file_digest
from engine.model.golden import golden_pixels
from engine.model.session import OnnxSession
from engine.model.tensors import scale_pixels
from engine.version import NEGATIVES_FILE, SERVING_FILE, TRAINING_FILE
from trainer.graphs.names import EVIDENCE_OUTPUT, INPUT, LOGITS_OUTPUT
from trainer.network.assembly import HEAD, export_onnx
from trainer.network.backbone import BACKBONE
from trainer.network.gradcam import with_evidence

FILES = {
    SERVING_FILE: model_pb2.ModelFile.ROLE_SERVING,
    TRAINING_FILE: model_pb2.ModelFile.ROLE_TRAINING,
    NEGATIVES_FILE: model_pb2.ModelFile.ROLE_NEGATIVES,
}

GOLDEN_SEEDS = (1, 2, 3)
GOLDEN_TOLERANCE = 1e-2
"""Tolerance of golden logits. Other processors change them by about 1e-5, another version by more than 0.1."""


def write_float_graph(model: keras.Model, path: Path) -> None:
    """Writes the graph of a model's logits and evidence to a file. Raises ExportDiffers, see export_onnx."""
    export_onnx(with_evidence(model.get_layer(BACKBONE), model.get_layer(HEAD)), path)


def write_models(graph: Path, model: keras.Model, directory: Path) -> None:
    """Creates the directory with model.onnx, model.keras and MLflow's files.

    Args:
        graph: graph to serve, as write_float_graph writes it or quantised.
        model: the model that it was made from, for further training.
    """
    mlflow.onnx.save_model(
        onnx.load(graph),
        directory,
        signature=ModelSignature(
            inputs=Schema([TensorSpec(np.dtype(np.float32), (-1, *model.input_shape[1:]), INPUT)]),
            outputs=Schema(
                [
                    TensorSpec(np.dtype(np.float32), (-1, model.output_shape[-1]), LOGITS_OUTPUT),
                    TensorSpec(np.dtype(np.float32), (-1, -1, -1), EVIDENCE_OUTPUT),
                ]
            ),
        ),
        pip_requirements=[f"onnxruntime=={onnxruntime.__version__}", f"numpy=={np.__version__}"],
        save_as_external_data=False,
        onnx_execution_providers=["CPUExecutionProvider"],
    )
    model.save(directory / TRAINING_FILE)


def draft_contract(
    directory: Path,
    classes: Sequence[model_pb2.ClassInfo],
    spec: model_pb2.Preprocessing,
    tolerance: float = GOLDEN_TOLERANCE,
) -> model_pb2.ModelContract:
    """Returns the contract of a directory's files, without calibration and provenance.

    Args:
        tolerance: tolerance of the golden samples, as an absolute difference of logits.
    """
    runtime = OnnxSession(directory / SERVING_FILE)
    _, evidence = runtime.logits_and_evidence(np.zeros((1, spec.height, spec.width, 3), np.float32))
    return model_pb2.ModelContract(
        contract_version=CONTRACT_VERSION,
        classes=classes,
        preprocessing=spec,
        evidence=model_pb2.EvidenceGrid(height=evidence.shape[1], width=evidence.shape[2]),
        golden_samples=[
            model_pb2.GoldenSample(seed=seed, logits=runtime.logits(picture[None])[0].tolist(), tolerance=tolerance)
            for seed, picture in zip(GOLDEN_SEEDS, golden_batch(spec), strict=True)
        ],
        files=list_files(directory),
    )


def list_files(directory: Path) -> list[model_pb2.ModelFile]:
    """Returns the files of a directory that belong into its contract."""
    return [
        model_pb2.ModelFile(
            role=role,
            path=name,
            sha256=file_digest(directory / name),
            size_bytes=(directory / name).stat().st_size,
        )
        for name, role in FILES.items()
        if (directory / name).is_file()
    ]


def golden_batch(spec: model_pb2.Preprocessing) -> NDArray[np.float32]:
    """Returns the golden samples as model input of shape [samples, height, width, 3]."""
    return np.stack([scale_pixels(golden_pixels(seed, spec.height, spec.width), spec) for seed in GOLDEN_SEEDS])
