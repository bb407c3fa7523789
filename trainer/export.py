"""Writes the directory of a new model version; trainer.version says what is in it."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import keras
import mlflow.onnx
import numpy as np
import onnx
import onnxruntime
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec
from verger.v1 import model_pb2

from services.common.contract import CONTRACT_VERSION, file_digest
from services.common.golden import golden_pixels
from services.common.tensors import scale_pixels
from services.inference.runtime import EVIDENCE_OUTPUT, OnnxRuntime
from trainer.backbone import BACKBONE
from trainer.classifier import HEAD, export_onnx
from trainer.evidence import LOGITS_OUTPUT, with_evidence
from trainer.version import NEGATIVES_FILE, SERVING_FILE, TRAINING_FILE

FILES = {
    SERVING_FILE: model_pb2.ModelFile.ROLE_SERVING,
    TRAINING_FILE: model_pb2.ModelFile.ROLE_TRAINING,
    NEGATIVES_FILE: model_pb2.ModelFile.ROLE_NEGATIVES,
}

GOLDEN_SEEDS = (1, 2, 3)
GOLDEN_TOLERANCE = 1e-2
"""Processors add in other orders; logits of a sound copy differ by about 1e-5, of another version by more than 0.1."""


def write_models(model: keras.Model, directory: Path) -> None:
    """Makes the directory with model.onnx, model.keras and MLflow's own files.

    Raises:
        ExportDiffers: see export_onnx.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / SERVING_FILE
        export_onnx(with_evidence(model.get_layer(BACKBONE), model.get_layer(HEAD)), path)
        mlflow.onnx.save_model(
            onnx.load(path),
            directory,
            signature=ModelSignature(
                inputs=Schema([TensorSpec(np.dtype(np.float32), (-1, *model.input_shape[1:]), "pixels")]),
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
    directory: Path, classes: Sequence[model_pb2.ClassInfo], spec: model_pb2.Preprocessing
) -> model_pb2.ModelContract:
    """What a directory's files fix already; calibration and provenance are still to be filled in."""
    runtime = OnnxRuntime(directory / SERVING_FILE)
    _, evidence = runtime.logits_and_evidence(np.zeros((1, spec.height, spec.width, 3), np.float32))
    return model_pb2.ModelContract(
        contract_version=CONTRACT_VERSION,
        classes=classes,
        preprocessing=spec,
        evidence=model_pb2.EvidenceGrid(height=evidence.shape[1], width=evidence.shape[2]),
        golden_samples=[_golden_sample(runtime, seed, spec) for seed in GOLDEN_SEEDS],
        files=list_files(directory),
    )


def list_files(directory: Path) -> list[model_pb2.ModelFile]:
    """The files of a directory that a contract names."""
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


def _golden_sample(runtime: OnnxRuntime, seed: int, spec: model_pb2.Preprocessing) -> model_pb2.GoldenSample:
    pixels = golden_pixels(seed, spec.height, spec.width)
    logits = runtime.logits(scale_pixels(pixels, spec)[None])[0]
    return model_pb2.GoldenSample(seed=seed, logits=logits.tolist(), tolerance=GOLDEN_TOLERANCE)
