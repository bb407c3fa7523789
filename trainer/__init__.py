"""From a folder of photos to a registered model version. A command line tool: `python -m trainer --help`."""

import os

# Both are read when the libraries are first imported, so they are set before anything else of this package runs.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # its messages about the processor's instruction sets help nobody

# tf2onnx copies the whole graph before each of its passes, so that it can go on without one that fails. An export that
# lacks a pass is slow at best: better that it fails. Without the copies it takes two thirds of the time.
os.environ.setdefault("TF2ONNX_CATCH_ERRORS", "FALSE")

# A restart of MLflow may last a minute and must not cost a run. That nobody is there at all is found out otherwise.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "5")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # MLflow notes the commit where there is git
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
