"""The inference service: classifies tensors with the model version that is champion in the registry."""

import os

# By default, MLflow's client retries for minutes before it reports an error. Here the next poll is the retry.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
