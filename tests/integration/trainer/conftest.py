"""A trained version for all tests: training takes half a minute, so it happens once."""

import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from registry.models import Registry
from tests.support.mlflow_server import MlflowServer
from tests.support.repository import ROOT
from tests.support.shapes import write_parts
from trainer.config import TrainerSettings

with warnings.catch_warnings():  # MLflow warns of its own type hints when it is imported
    warnings.simplefilter("ignore")
    import mlflow.pyfunc  # noqa: F401

Command = Callable[..., subprocess.CompletedProcess[str]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keras reads TensorFlow's variables in a way that NumPy 2 warns of; nothing that callers could change."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"))


@pytest.fixture(scope="module")
def settings(
    mlflow_server: MlflowServer, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> TrainerSettings:
    """A registered model, an experiment and a folder of this module's own."""
    name, home = request.module.__name__.rpartition(".")[2], tmp_path_factory.mktemp("home")
    return TrainerSettings(mlflow_url=mlflow_server.url, model_name=name, experiment_name=name, home=home)


@pytest.fixture(scope="module")
def registry(settings: TrainerSettings) -> Registry:
    return Registry(settings.mlflow_url, settings.model_name)


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with enough validation pictures (15 % of 240) to calibrate on."""
    return write_parts(tmp_path_factory.mktemp("shapes") / "shapes", train=80, test=10)


def environment_of(settings: TrainerSettings) -> dict[str, str]:
    return os.environ | {
        "VERGER_MLFLOW_URL": settings.mlflow_url,
        "VERGER_MODEL_NAME": settings.model_name,
        "VERGER_EXPERIMENT_NAME": settings.experiment_name,
        "VERGER_RELEASE_DIR": str(settings.release_dir),
        "VERGER_HOME": str(settings.home),
    }


@pytest.fixture(scope="module")
def trainer(settings: TrainerSettings) -> Command:
    """Runs `python -m trainer` with arguments, as people do."""

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
