"""Saves a pyfunc model from code and serves it with `mlflow models serve`, with one worker per core."""

import base64
import os
import sys
import tempfile
from pathlib import Path

import mlflow.pyfunc
from mlflow.models import set_model

from benchmarks.contenders import predictor


class Classifier(mlflow.pyfunc.PythonModel):
    """See https://mlflow.org/docs/latest/ml/deployment."""

    def load_context(self, context) -> None:
        self.model = predictor.load()

    def predict(self, context, model_input, params=None):
        photos = (base64.b64decode(text) for text in model_input["photo"])
        return [predictor.answer(self.model(predictor.pixels_of(photo))) for photo in photos]


set_model(Classifier())

if __name__ == "__main__":
    folder = Path(tempfile.mkdtemp()) / "model"
    mlflow.pyfunc.save_model(folder, python_model=__file__, pip_requirements=[])
    options = ["--env-manager", "local", "--workers", str(predictor.CORES), "--port", sys.argv[1], "-m", str(folder)]
    program = str(Path(sys.executable).with_name("mlflow"))
    os.execv(program, [program, "models", "serve", *options])
