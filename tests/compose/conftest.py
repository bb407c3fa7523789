"""One system in containers for all tests in this folder. Each test leaves it healthy."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.page.browser import running_browser
from tests.support.systems.composed import Composed, why_no_engine


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/tests/compose/" in item.path.as_posix():
            item.add_marker(pytest.mark.timeout(1500))  # seconds; the first test waits for the build of the images


@pytest.fixture(scope="session")
def verger() -> Iterator[Composed]:
    """A system that is started with the command for users."""
    if reason := why_no_engine():
        pytest.skip(reason)
    system = Composed()
    _remove(system)  # left over from an interrupted run
    try:
        system.compose("up", "--build", "--detach", "--wait")
        yield system
    finally:
        _remove(system)


def _remove(system: Composed) -> None:
    layers = ["compose.observability.yml", "tests/compose/standins.observability.yml"]
    system.compose("--profile", "*", "down", "--volumes", "--remove-orphans", layers=layers)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests of a module. While it runs, no other browser and no asynchronous test can."""
    with running_browser() as chromium:
        yield chromium
