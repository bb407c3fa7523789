"""Copies of terraform/, the emulator of AWS, and one whole life of environments/dev."""

import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.aws.lifecycle import Life, live
from tests.support.aws.moto_server import MotoServer, running_moto
from tests.support.aws.provider import with_running_provider
from tests.support.aws.workspace import PACKAGES, Workspace, missing

OFFLINE = "http://127.0.0.1:9"  # nobody answers there: what must not ask AWS anything can't


@pytest.fixture(scope="session")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with Terraform's provider for AWS."""
    if reason := missing("terraform"):
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("provider")
    workspace = Workspace.copied_to(folder, folder / "plugins", MotoServer(OFFLINE).environment)
    done = workspace.terraform("modules/cluster", "init", "-backend=false")
    if done.returncode != 0:
        said = " ".join(done.stderr.split()).replace("│", "").replace("╷", "").replace("╵", "")
        pytest.skip(f"Terraform's provider for AWS can't be had here: {said[:300]}")
    return folder / "plugins"


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MotoServer]:
    """An AWS account that nothing is made in."""
    if reason := missing(*PACKAGES):
        pytest.skip(reason)
    with running_moto(tmp_path_factory.mktemp("moto") / "log") as server:
        yield server


@pytest.fixture(scope="session")
def detached(plugins: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A copy that reaches no AWS at all."""
    copy = Workspace.copied_to(tmp_path_factory.mktemp("detached"), plugins, MotoServer(OFFLINE).environment)
    with with_running_provider(copy, plugins) as workspace:
        yield workspace


@pytest.fixture(scope="session")
def attached(plugins: Path, moto: MotoServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A copy with an empty AWS account."""
    copy = Workspace.copied_to(tmp_path_factory.mktemp("attached"), plugins, moto.environment)
    with with_running_provider(copy, plugins) as workspace:
        yield workspace


NEEDED_FOR_LIFE = (*PACKAGES, "aws", "jq", "terraform")


@pytest.fixture(scope="session")
def begun(plugins: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator["Future[Life]"]:
    """A life of an environment, in an account of its own, that goes on beside the other tests.

    Each of its commands starts the provider itself, as it does for people.
    """
    folder = tmp_path_factory.mktemp("life")
    shutil.copy(Path(__file__).parent / "standins" / "docker", folder)
    with running_moto(folder / "moto.log") as server, ThreadPoolExecutor(1) as beside:
        workspace = Workspace.copied_to(folder, plugins, server.environment)
        workspace = Workspace(
            workspace.folder, {**workspace.variables, "PATH": f"{folder}:{workspace.variables['PATH']}"}
        )
        yield beside.submit(live, workspace, server)


@pytest.fixture(scope="session", autouse=True)
def the_longest_first(request: pytest.FixtureRequest) -> None:
    """A life is minutes of waiting: it begins before the first test, if any test asks for it and it can be had."""
    wanted = any("life" in getattr(item, "fixturenames", ()) for item in request.session.items)
    if wanted and not missing(*NEEDED_FOR_LIFE):
        request.getfixturevalue("begun")


@pytest.fixture(scope="session")
def life(request: pytest.FixtureRequest) -> Life:
    """environments/dev from zero to its end, as the scripts make it."""
    if reason := missing(*NEEDED_FOR_LIFE):
        pytest.skip(reason)
    begun: Future[Life] = request.getfixturevalue("begun")
    return begun.result()
