"""Answers for single files, as serving gives them: the reference that the running system is compared with."""

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from verger.v1 import classifier_pb2, model_pb2

from engine.errors import InvalidArgument
from engine.model.session import OnnxSession
from engine.model.tensors import scale_pixels
from engine.model.verdict import classify
from engine.version import VersionDirectory
from trainer.cli.console import native_messages_hidden
from trainer.data.pictures import read_pixels

Floats = NDArray[np.float32]


class Runtime(Protocol):
    """Whatever turns model input of shape [n, height, width, 3] into logits of shape [n, classes]."""

    def logits(self, batch: Floats) -> Floats: ...


def open_runtime(version: VersionDirectory, keras: bool) -> Runtime:
    """The graph that is served, or the Keras model that it was exported from: in float, always."""
    if not keras:
        return OnnxSession(version.file(model_pb2.ModelFile.ROLE_SERVING))
    with native_messages_hidden():
        from trainer.network.assembly import KerasRuntime

    return KerasRuntime(version.file(model_pb2.ModelFile.ROLE_TRAINING))


def predict_file(path: Path, contract: model_pb2.ModelContract, runtime: Runtime) -> dict[str, Any]:
    """The answer for one file: file, verdict and predictions (best first), or file and error (reason and message)."""
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
