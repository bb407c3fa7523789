"""Tensors in, classifications out, by whatever version the registry calls champion."""

import os

# Read when ONNX Runtime is first imported. Left alone it reports its use to its makers, and where it can't reach them
# it holds up the end of the process by half a minute.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# By default MLflow's client retries for minutes before it says that nobody is there; the next poll is our retry.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
