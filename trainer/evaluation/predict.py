"""Predictions for single files, as serving answers them: the reference for the running system."""

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from verger.v1 import classifier_pb2, model_pb2

from engine.errors import InvalidArgument
from engine.model.tensors import scale_pixels
from engine.model.verdict import classify
from trainer.data.pictures import read_pixels

Floats = NDArray[np.float32]


class Runtime(Protocol):
    """Runs a classifier: engine.model.session.OnnxSession, or trainer.network.assembly.KerasRuntime."""

    def logits(self, batch: Floats) -> Floats:
        """Turns model input of shape [n, height, width, 3] into logits of shape [n, classes]."""


def predict_file(path: Path, contract: model_pb2.ModelContract, runtime: Runtime) -> dict[str, Any]:
    """Returns file, verdict and predictions (most probable first), or file and error (reason and message)."""
    spec = contract.preprocessing
    try:
        pixels = read_pixels(path, spec)
    except InvalidArgument as error:
        return {"file": str(path), "error": {"reason": error.reason, "message": str(error)}}
    except OSError as error:
        return {"file": str(path), "error": {"reason": "FILE_UNREADABLE", "message": error.strerror or str(error)}}
    answer = classify(runtime.logits(scale_pixels(pixels, spec)[None])[0], contract)
    return {
        "file": str(path),
        "verdict": classifier_pb2.Verdict.Name(answer.verdict).removeprefix("VERDICT_"),
        "predictions": [{"label": item.label, "probability": item.probability} for item in answer.predictions],
    }
