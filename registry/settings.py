"""The settings of every program that talks to MLflow."""

from pydantic import Field

from engine.settings import Settings


class RegistrySettings(Settings):
    """Says which registered model is meant, and where."""

    mlflow_url: str = Field(default="http://127.0.0.1:5000", pattern=r"^https?://")
    """Address of MLflow's tracking server and registry."""

    model_name: str = Field(default="fruit-classifier", pattern=r"^[\w.-]+$")
    """Registered model to train and to serve."""
