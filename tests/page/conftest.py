"""A real browser in front of the real page; what preprocess answers is written by the test."""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.support.background import in_background
from tests.support.browser import running_browser
from tests.support.scripted_classifier import ScriptedClassifier, scripted_server, web_server

SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 900}}


@dataclass(frozen=True)
class Site:
    """The running page."""

    address: str
    classifier: ScriptedClassifier


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all tests of a module. No test here may be asynchronous: the browser's event loop runs all the while."""
    with running_browser() as chromium:
        yield chromium


OpenPage = Callable[..., Page]


@asynccontextmanager
async def _serving() -> AsyncIterator[Site]:
    classifier = ScriptedClassifier()
    async with scripted_server(classifier) as port, web_server(port, max_image_bytes=2**20) as address:
        yield Site(address, classifier)


@pytest.fixture
def site() -> Iterator[Site]:
    """A page of one's own for each test."""
    with in_background(_serving()) as running:
        yield running


@pytest.fixture
def open_page(browser: Browser, site: Site) -> Iterator[OpenPage]:
    """Opens the page: open_page("phone", locale="fr-FR", ...). In the end no page may have complained."""
    complaints: list[str] = []
    with ExitStack() as contexts:

        def opened(size: str = "desktop", path: str = "/", **options: Any) -> Page:
            settings = {"viewport": SIZES[size], "locale": "en-GB", "reduced_motion": "reduce"} | options
            page = contexts.enter_context(browser.new_context(**settings)).new_page()
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
            page.goto(site.address + path)
            return page

        yield opened
    meant = re.compile("Failed to load resource: (the server responded with a status of (4|50[0234])|net::ERR_FAILED)")
    assert [text for text in complaints if not meant.match(text)] == []
