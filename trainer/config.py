"""Settings of the trainer."""

from pathlib import Path

from pydantic import Field

from engine.settings import available_cores
from registry.settings import RegistrySettings

REPOSITORY = Path(__file__).resolve().parent.parent


class TrainerSettings(RegistrySettings):
    """Read from the environment (VERGER_ + the field's name) and from an .env file in the working directory."""

    mlflow_wait_seconds: float = Field(default=60, ge=0, le=3600)
    """How long import-release waits for MLflow to answer. All other commands expect it to be there."""

    experiment_name: str = "verger"
    """MLflow experiment that collects the runs."""

    release_dir: Path = REPOSITORY / "models" / "fruit-classifier"
    """Directory of the released model version."""

    home: Path = REPOSITORY / ".verger"
    """Folder of all that launch.sh keeps; the trainer keeps what lets a run go on after a crash."""

    trainer_workers: int = Field(default_factory=available_cores, ge=1, le=256)
    """Pictures decoded and computed side by side. Default: the cores that this container may use."""
