"""Several photos at once: a grid of answers, with progress, feedback and a table."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from verger.v1 import classifier_pb2

from services.common.errors import Overloaded
from tests.support.page.files import Given, drop, paste
from tests.support.page.pages import OpenPage, Site
from tests.support.page.scripted_classifier import BANANA, answer

WCAG_AA = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


@pytest.mark.parametrize("give", [drop, paste])
def test_twenty_photos_get_twenty_answers_a_few_at_a_time(
    open_page: OpenPage, site: Site, give: Callable[..., None]
) -> None:
    page = open_page()
    give(page, *(Given(f"{number}.png") for number in range(20)))
    expect(page.locator(".several .hint")).to_have_text("20 of 20 answered", timeout=60_000)
    assert page.locator(".several .told").all_inner_texts() == ["Banana"] * 20
    assert page.locator(".several .sure").all_inner_texts() == ["I’m 96% sure."] * 20
    assert page.locator(".several progress").evaluate("bar => bar.value") == 1
    assert len(site.classifier.requests) == 20
    assert site.classifier.max_concurrent <= 2


def test_the_table_has_all_answers_and_what_could_not_be_answered(open_page: OpenPage, site: Site) -> None:
    refused = answer({"mango": 0.4, "kiwi": 0.35}, classifier_pb2.VERDICT_OUT_OF_SCOPE)
    site.classifier.outcomes = [refused]
    page = open_page()
    drop(page, Given("=1+1.png"), Given("list.txt", "text/plain"), Given('a, "b".png'), Given("c.png", content=b"x"))
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download the answers as CSV").click()
    assert downloading.value.suggested_filename == "verger.csv"
    content = Path(downloading.value.path()).read_text("utf-8-sig")
    header, *rows = csv.reader(io.StringIO(content))
    assert header == ["file", "verdict", "label", "probability", "reason"]
    assert rows == [
        ["'=1+1.png", "out_of_scope", "mango", "0.4000", ""],
        ["list.txt", "", "", "", "FILE_TYPE_UNSUPPORTED"],
        ['a, "b".png', "out_of_scope", "mango", "0.4000", ""],
        ["c.png", "", "", "", "IMAGE_FORMAT_UNSUPPORTED"],
    ]


def test_a_busy_server_is_asked_again_when_it_wants_to_be(open_page: OpenPage, site: Site) -> None:
    site.classifier.outcomes = [Overloaded("Full."), BANANA]
    page = open_page()
    drop(page, Given("a.png"), Given("b.png"))
    expect(page.locator(".several .hint")).to_have_text("2 of 2 answered")
    assert page.locator(".several .told").all_inner_texts() == ["Banana"] * 2
    assert len(site.classifier.requests) == 3


def test_other_photos_end_the_grid(open_page: OpenPage, site: Site) -> None:
    site.classifier.gate.clear()
    page = open_page()
    drop(page, *(Given(f"{number}.png") for number in range(5)))
    expect(page.locator(".several")).to_be_visible()
    drop(page, Given("one.png"))
    site.classifier.gate.set()
    expect(page.locator("#answer")).to_have_text("Banana")
    expect(page.locator(".several")).to_have_count(0)
    assert len(site.classifier.requests) <= 3


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_the_grid_is_accessible_and_fits_on_a_phone(open_page: OpenPage, color_scheme: str) -> None:
    page = open_page("phone", color_scheme=color_scheme, locale="fr-FR")
    drop(page, Given("a_name_that_is_longer_than_the_screen_of_a_phone_is_wide.png"), Given("list.txt", "text/plain"))
    expect(page.locator(".several .hint")).to_have_text("2 sur 2 traitées")
    found = Axe().run(page, options=WCAG_AA)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
