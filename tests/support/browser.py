"""A real browser: the machine's own Chromium, else the one that playwright has fetched."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]


@contextmanager
def running_browser() -> Iterator[Browser]:
    """A browser for the length of a block; skips the test where there is none."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=_path_of(playwright), args=FLAGS)
        yield chromium
        chromium.close()


def _path_of(playwright: Playwright) -> str:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), playwright.chromium.executable_path)
    if not Path(found).exists():
        pytest.skip("no Chromium: install the package chromium, or run `playwright install chromium`")
    return found
