"""Settings of the trainer."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.common.pool import available_cores

REPOSITORY = Path(__file__).resolve().parent.parent


class TrainerSettings(BaseSettings):
    """Read from the environment (VERGER_ + the field's name) and from an .env file in the working directory."""

    model_config = SettingsConfigDict(
        env_prefix="VERGER_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    mlflow_url: str = Field(default="http://127.0.0.1:5000", pattern=r"^https?://")
    """MLflow's tracking server and registry."""

    mlflow_wait_seconds: float = Field(default=60, ge=0, le=3600)
    """How long import-release waits for MLflow to answer. All other commands expect it to be there."""

    experiment_name: str = "verger"
    """MLflow experiment that collects the runs."""

    model_name: str = Field(default="fruit-classifier", pattern=r"^[\w.-]+$")
    """Registered model that versions are added to."""

    release_dir: Path = REPOSITORY / "models" / "fruit-classifier"
    """Directory of the released model version."""

    home: Path = REPOSITORY / ".verger"
    """Folder of all that launch.sh keeps; the trainer keeps what lets a run go on after a crash."""

    trainer_workers: int = Field(default_factory=available_cores, ge=1, le=256)
    """Pictures decoded and computed side by side. Default: the cores that this container may use."""
