"""Settings of every program that uses MLflow."""

from pathlib import Path

from pydantic import Field

from engine.settings import Settings

REPOSITORY = Path(__file__).resolve().parent.parent


class RegistrySettings(Settings):
    """Address and name of the registered model."""

    mlflow_url: str = Field(default="http://127.0.0.1:5000", pattern=r"^https?://")
    """URL of MLflow's tracking server and registry."""

    model_name: str = Field(default="fruit-classifier", pattern=r"^[\w.-]+$")
    """Name of the registered model to train and to serve."""

    train_command: str = "python -m trainer train --data DIR"
    """How people train here, for messages. launch.sh, docker-compose.yml and Terraform set their own."""


class VersionSettings(RegistrySettings):
    """What a program needs that opens any version, the released one included; see registry.reference."""

    release_dir: Path = REPOSITORY / "models" / "fruit-classifier"
    """Directory of the released model version."""
