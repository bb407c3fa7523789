"""Opens the real page in a real browser and collects the errors that its scripts report."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, Page

from tests.support.page.scripted_classifier import ScriptedClassifier

SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 900}}

# Chromium reports responses with these statuses and aborted requests as errors; tests cause both on purpose.
_EXPECTED_ERROR = re.compile(
    "Failed to load resource: (the server responded with a status of (4|50[0234])|net::ERR_FAILED)"
)

OpenPage = Callable[..., Page]
"""Opens the page: open_page("phone", "/", locale="fr-FR", ...), with the options of Browser.new_context."""


@dataclass(frozen=True)
class Site:
    """A running web service and the scripted classifier behind it."""

    address: str
    classifier: ScriptedClassifier


@contextmanager
def page_opener(browser: Browser, site: Site) -> Iterator[OpenPage]:
    """Yields a function that opens pages; closes them at the end and fails if one reported an unexpected error."""
    errors: list[str] = []
    with ExitStack() as contexts:

        def open_page(size: str = "desktop", path: str = "/", **options: Any) -> Page:
            settings = {"viewport": SIZES[size], "locale": "en-GB", "reduced_motion": "reduce"} | options
            page = contexts.enter_context(browser.new_context(**settings)).new_page()
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
            page.goto(site.address + path)
            return page

        yield open_page
    assert [text for text in errors if not _EXPECTED_ERROR.match(text)] == []
