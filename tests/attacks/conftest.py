"""One launched system for all attacks. Its settings are those that users get without setting any, but for one."""

import logging
import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.attacks.target import Target, target_of
from tests.support.attacks.trial import Trial
from tests.support.systems.launched import Launched, launched

logging.getLogger("httpx").setLevel("WARNING")  # users send hundreds of photos


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads processes from /proc"))


@pytest.fixture(scope="session")
def verger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    # By default an upload may take five minutes, which is too long to wait for.
    with launched(tmp_path_factory.mktemp("verger"), VERGER_UPLOAD_TIMEOUT_SECONDS="15") as system:
        yield system


@pytest.fixture(scope="session")
def trial(verger: Launched) -> Trial:
    return Trial(verger)


@pytest.fixture
def target(verger: Launched) -> Target:
    return target_of(verger, multiprocessing.get_context("spawn").Event())
