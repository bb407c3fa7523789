"""One launched system for all end-to-end tests, and a real browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.support.page.browser import running_browser
from tests.support.systems.launched import Launched, launched


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(900))  # seconds; the first test includes an installation


@pytest.fixture(scope="session")
def verger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    """A system in an empty data folder, so that its environment is set up as on a new machine.

    It is open to other machines, as far as the setting for that goes; see test_only_the_page_is_open_to_other_machines.
    """
    settings = {"VERGER_BIND_ADDRESS": "0.0.0.0", "VERGER_ACCESS": "open"}
    with launched(tmp_path_factory.mktemp("verger"), **settings) as system:
        yield system


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests of a module. These can't be asynchronous: the browser's event loop keeps running."""
    with running_browser() as chromium:
        yield chromium
