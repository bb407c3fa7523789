"""Fixtures for tests of the real page in a real browser, in front of a scripted classifier."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from playwright.sync_api import Browser

from tests.support.background import in_background
from tests.support.page.browser import running_browser
from tests.support.page.pages import OpenPage, Site, page_opener
from tests.support.page.scripted_classifier import ScriptedClassifier, scripted_server, web_server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for a module. Tests that use it can't be asynchronous: playwright's event loop runs meanwhile."""
    with running_browser() as chromium:
        yield chromium


@asynccontextmanager
async def _serving() -> AsyncIterator[Site]:
    classifier = ScriptedClassifier()
    async with scripted_server(classifier) as port, web_server(port, max_image_bytes=2**20) as address:
        yield Site(address, classifier)


@pytest.fixture
def site() -> Iterator[Site]:
    """A web service for one test. It accepts photos of at most 1 MiB."""
    with in_background(_serving()) as running:
        yield running


@pytest.fixture
def open_page(browser: Browser, site: Site) -> Iterator[OpenPage]:
    """A function that opens pages of the site."""
    with page_opener(browser, site) as open_page:
        yield open_page
