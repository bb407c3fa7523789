"""Runs `python -m trainer` as people do."""

import os
import subprocess
import sys
from collections.abc import Callable

from tests.support.repository import ROOT
from trainer.config import TrainerSettings

Command = Callable[..., subprocess.CompletedProcess[str]]


def environment_of(settings: TrainerSettings) -> dict[str, str]:
    """Returns the environment in which the trainer has these settings."""
    return os.environ | {
        "VERGER_MLFLOW_URL": settings.mlflow_url,
        "VERGER_MODEL_NAME": settings.model_name,
        "VERGER_EXPERIMENT_NAME": settings.experiment_name,
        "VERGER_RELEASE_DIR": str(settings.release_dir),
        "VERGER_HOME": str(settings.home),
        "VERGER_COLLECTION_TARGET": settings.collection_target,
    }


def trainer_command(settings: TrainerSettings) -> Command:
    """Returns a function that runs the trainer with arguments."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "trainer", *map(str, arguments)],
            cwd=ROOT,
            env=environment_of(settings),
            capture_output=True,
            text=True,
            timeout=240,
        )

    return run
