"""The registry of model versions in MLflow. Inference reads it, the trainer writes it. Needs mlflow-skinny only."""

import os

# MLflow reads this when it is first imported. With telemetry, it would report its use to its makers.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
