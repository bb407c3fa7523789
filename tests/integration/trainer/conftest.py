"""Settings, a registry and a data folder for each module."""

import warnings
from pathlib import Path

import pytest

from registry.models import Registry
from tests.support.servers.mlflow_server import MlflowServer
from tests.support.trainer.shapes import write_parts
from tests.support.trainer.trainer_command import Command, trainer_command
from trainer.config import TrainerSettings

with warnings.catch_warnings():  # MLflow warns about its own type hints when it is imported
    warnings.simplefilter("ignore")
    import mlflow.pyfunc  # noqa: F401


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Ignores a warning of NumPy 2 about how Keras reads TensorFlow's variables, which callers can't change."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"))


@pytest.fixture(scope="module")
def settings(
    mlflow_server: MlflowServer, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> TrainerSettings:
    """A registered model, an experiment and a folder for this module."""
    name, home = request.module.__name__.rpartition(".")[2], tmp_path_factory.mktemp("home")
    return TrainerSettings(mlflow_url=mlflow_server.url, model_name=name, experiment_name=name, home=home)


@pytest.fixture(scope="module")
def registry(settings: TrainerSettings) -> Registry:
    return Registry(settings.mlflow_url, settings.model_name)


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with enough validation pictures (15 % of 240) to calibrate on."""
    return write_parts(tmp_path_factory.mktemp("shapes") / "shapes", train=80, test=10)


@pytest.fixture(scope="module")
def trainer(settings: TrainerSettings) -> Command:
    """Runs `python -m trainer` with arguments."""
    return trainer_command(settings)
