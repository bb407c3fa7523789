"""The page of the system in containers, in a real browser."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.systems.composed import Composed
from tests.support.systems.uploads import PHOTO_FILE


@contextmanager
def answered(verger: Composed, browser: Browser, photo: Path) -> Iterator[Page]:
    """Yields the page with the answer for a photo."""
    with browser.new_context(locale="en-GB") as context:
        page = context.new_page()
        page.goto(verger.web)
        page.set_input_files("#photo", photo)
        expect(page.locator("#result .answer .photo img")).to_be_visible(timeout=30_000)
        yield page


def test_the_page_classifies_a_drawing(verger: Composed, browser: Browser) -> None:
    """The test checks the first prediction only, not the verdict of the model."""
    with answered(verger, browser, PHOTO_FILE) as page:
        expect(page.locator("#result .bars li").first).to_contain_text("banana", ignore_case=True)


@pytest.mark.parametrize("label", ["banana", "pineapple", "strawberry"])
def test_the_page_classifies_a_photo(verger: Composed, browser: Browser, photo_data: Path, label: str) -> None:
    with answered(verger, browser, min((photo_data / "fruits" / "test" / label).iterdir())) as page:
        expect(page.locator("#result h2")).to_have_text(re.compile(label, re.IGNORECASE))


def test_the_page_refuses_a_text_file_with_a_message(verger: Composed, browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("apples, pears")
    with browser.new_context(locale="fr-FR") as context:
        page = context.new_page()
        page.goto(verger.web)
        page.set_input_files("#photo", path)
        expect(page.locator("#result h2")).to_have_text("Je ne sais pas lire ce fichier", timeout=30_000)
