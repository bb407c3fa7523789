"""Settings of the trainer."""

from pathlib import Path

from pydantic import Field

from dataset_client.settings import DatasetClientSettings
from engine.settings import available_cores
from registry.settings import REPOSITORY, VersionSettings


class TrainerSettings(VersionSettings, DatasetClientSettings):
    """Settings from the environment (VERGER_ + the field's name) or from .env in the working directory."""

    mlflow_wait_seconds: float = Field(default=60, ge=0, le=3600)
    """Seconds that import-release waits for MLflow to answer. All other commands fail at once."""

    experiment_name: str = "verger"
    """MLflow experiment of the runs."""

    mlflow_page_url: str = Field(default="", pattern=r"^(https?://.*)?$")
    """Address of MLflow in the browser of whoever trains, for links; empty where mlflow_url is it."""

    page_url: str = Field(default="", pattern=r"^(https?://.*)?$")
    """Address of the page that serves the champion, for a link; empty if it is not known."""

    trainer_command: str = "python -m trainer"
    """How people call the trainer here, for messages; see also train_command."""

    home: Path = REPOSITORY / ".verger"
    """Folder of launch.sh's files. The trainer keeps the checkpoints of unfinished runs there."""

    trainer_workers: int = Field(default_factory=available_cores, ge=1, le=256)
    """Pictures that are processed in parallel. Default: the cores that this container may use."""
