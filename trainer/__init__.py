"""Trains model versions from folders of photos and registers them. Command line: `python -m trainer --help`."""

import os

# The libraries read these variables when they are imported, so they are set before any other module of this package.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # hides messages about the processor's instruction sets
# By default TensorFlow uses oneDNN only on processors with VNNI or AMX. On processors with AVX2 alone, oneDNN trains
# the whole network 1.8 times as fast as TensorFlow's own code.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# tf2onnx copies the whole graph before each pass, so that it can skip a pass that fails. A graph without a pass would
# be slow, so the export should fail instead. Without the copies it takes two thirds of the time.
os.environ.setdefault("TF2ONNX_CATCH_ERRORS", "FALSE")

# A restart of MLflow may take a minute and must not end a run. Commands check before they start that MLflow answers.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "5")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # MLflow logs the commit if git is installed
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

# MLflow and ONNX Runtime would report their use to their makers.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
