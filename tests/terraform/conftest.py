"""Copies of terraform/, the emulator of AWS, and one whole lifecycle of environments/dev."""

import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.aws.lifecycle import Lifecycle, run_lifecycle
from tests.support.aws.moto_server import MotoServer, running_moto
from tests.support.aws.provider import with_running_provider
from tests.support.aws.workspace import PACKAGES, Workspace, missing

OFFLINE = "http://127.0.0.1:9"  # nothing listens there, so that no request can reach AWS


@pytest.fixture(scope="session")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with Terraform's AWS provider."""
    if reason := missing("terraform"):
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("provider")
    workspace = Workspace.copied_to(folder, folder / "plugins", MotoServer(OFFLINE).environment)
    done = workspace.terraform("modules/cluster", "init", "-backend=false")
    if done.returncode != 0:
        said = " ".join(done.stderr.split()).replace("│", "").replace("╷", "").replace("╵", "")
        pytest.skip(f"Terraform's AWS provider can't be downloaded: {said[:300]}")
    return folder / "plugins"


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MotoServer]:
    """An empty AWS account."""
    if reason := missing(*PACKAGES):
        pytest.skip(reason)
    with running_moto(tmp_path_factory.mktemp("moto") / "log") as server:
        yield server


@pytest.fixture(scope="session")
def detached(plugins: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A copy of terraform/ without an AWS account."""
    copy = Workspace.copied_to(tmp_path_factory.mktemp("detached"), plugins, MotoServer(OFFLINE).environment)
    with with_running_provider(copy, plugins) as workspace:
        yield workspace


@pytest.fixture(scope="session")
def attached(plugins: Path, moto: MotoServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A copy of terraform/ with an empty AWS account."""
    copy = Workspace.copied_to(tmp_path_factory.mktemp("attached"), plugins, moto.environment)
    with with_running_provider(copy, plugins) as workspace:
        yield workspace


LIFECYCLE_NEEDS = (*PACKAGES, "aws", "jq", "terraform")


@pytest.fixture(scope="session")
def running_lifecycle(plugins: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator["Future[Lifecycle]"]:
    """A lifecycle of an environment in its own account. It runs in a thread beside the other tests.

    Each of its commands starts the provider itself, as it does for users.
    """
    folder = tmp_path_factory.mktemp("lifecycle")
    for standin in (Path(__file__).parent / "standins").iterdir():
        shutil.copy(standin, folder)
    with running_moto(folder / "moto.log") as server, ThreadPoolExecutor(1) as executor:
        workspace = Workspace.copied_to(folder, plugins, server.environment)
        workspace = Workspace(
            workspace.folder, {**workspace.variables, "PATH": f"{folder}:{workspace.variables['PATH']}"}
        )
        yield executor.submit(run_lifecycle, workspace, server)


@pytest.fixture(scope="session", autouse=True)
def start_lifecycle_first(request: pytest.FixtureRequest) -> None:
    """Starts the lifecycle, which takes minutes, before the first test if any test uses it."""
    wanted = any("lifecycle" in getattr(item, "fixturenames", ()) for item in request.session.items)
    if wanted and not missing(*LIFECYCLE_NEEDS):
        request.getfixturevalue("running_lifecycle")


@pytest.fixture(scope="session")
def lifecycle(request: pytest.FixtureRequest) -> Lifecycle:
    """The finished lifecycle of environments/dev."""
    if reason := missing(*LIFECYCLE_NEEDS):
        pytest.skip(reason)
    running: Future[Lifecycle] = request.getfixturevalue("running_lifecycle")
    return running.result()
