"""From a folder of photos to a registered model version. A command line tool: `python -m trainer --help`."""

import os

# These are read when the libraries are first imported, so they are set before anything else of this package runs.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # its messages about the processor's instruction sets help nobody
# Left alone TensorFlow uses oneDNN only on processors with instructions for networks (VNNI, AMX). With AVX2 alone it
# trains the whole network 1.8 times as fast as TensorFlow's own code.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# tf2onnx copies the whole graph before each of its passes, so that it can go on without one that fails. An export that
# lacks a pass is slow at best: better that it fails. Without the copies it takes two thirds of the time.
os.environ.setdefault("TF2ONNX_CATCH_ERRORS", "FALSE")

# A restart of MLflow may last a minute and must not cost a run. That nobody is there at all is found out otherwise.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "5")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # MLflow notes the commit where there is git
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
