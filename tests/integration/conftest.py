"""Real servers for the integration tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.servers.mlflow_server import MlflowServer, running_mlflow


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """One MLflow for all tests; each uses a registered model of its own."""
    with running_mlflow(tmp_path_factory.mktemp("mlflow")) as server:
        yield server


@pytest.fixture(scope="module")
def version_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for version directories."""
    return tmp_path_factory.mktemp("versions")
