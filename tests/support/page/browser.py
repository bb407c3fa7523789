"""A real browser: the Chromium of this machine, or else the one that playwright has installed."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Runs a browser until the block ends. Skips the test if none is installed."""
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
