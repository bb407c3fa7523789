"""Measurable properties of the page's appearance: accessibility, layout, fonts and motion."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from verger.v1 import classifier_pb2

from engine.errors import VergerError
from services.common.errors import ModelNotLoaded, Overloaded
from tests.support.page.files import Given, drop, hold_requests
from tests.support.page.pages import OpenPage, Site
from tests.support.page.scripted_classifier import BANANA, BANANA_ON_THE_LEFT, answer
from tests.support.pictures.photos import encoded, scene

WCAG_AA = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
STATES: dict[str, classifier_pb2.ClassifyResponse | VergerError] = {
    "empty": BANANA,
    "no version": BANANA,
    "sending": BANANA,
    "recognised": BANANA,
    "evidence": BANANA_ON_THE_LEFT,
    "unsure": answer({"strawberry": 0.41, "watermelon": 0.37, "kiwi": 0.22}, classifier_pb2.VERDICT_UNSURE),
    "out of scope": answer({"mango": 0.4, "kiwi": 0.35, "apple": 0.25}, classifier_pb2.VERDICT_OUT_OF_SCOPE),
    "two photos": BANANA,
    "wrong type": BANANA,
    "error": Overloaded("Full."),
}


@pytest.fixture(params=STATES)
def state(request: pytest.FixtureRequest, site: Site) -> str:
    site.classifier.outcomes = [STATES[request.param]]
    if request.param == "no version":
        site.classifier.description_error = ModelNotLoaded("None.", since="2026-11-27T09:30:00+00:00")
    return str(request.param)


def bring_to(page: Page, state: str, photo: Path) -> None:
    if state in ("empty", "no version"):
        return
    if state == "sending":
        hold_requests(page)
        page.set_input_files("#photo", photo)
        page.locator(".drop-preview img").wait_for()
        return
    if state == "two photos":
        drop(page, Given(photo.name), Given(f"second_{photo.name}"))
    elif state == "wrong type":
        drop(page, Given(f"{photo.name}.txt", "text/plain"))
    else:
        page.set_input_files("#photo", photo)
    page.locator("#result h2").wait_for()
    for details in page.locator("summary").all():
        details.click()
    if state == "evidence":
        page.locator(".evidence input").check()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "a_file_name_without_spaces_that_is_longer_than_a_phone_screen_is_wide_and_must_be_broken.jpg"
    path.write_bytes(encoded(scene((900, 300))))
    return path


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_the_page_meets_the_accessibility_rules(
    open_page: OpenPage, state: str, photo: Path, color_scheme: str
) -> None:
    page = open_page(color_scheme=color_scheme)
    bring_to(page, state, photo)
    results = Axe().run(page, options=WCAG_AA)
    found = {
        violation["id"]: [node["failureSummary"] for node in violation["nodes"]]
        for violation in results.response["violations"]
    }
    assert found == {}


@pytest.mark.parametrize("locale", ["en-GB", "fr-FR"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_is_cut_off(open_page: OpenPage, state: str, photo: Path, locale: str, width: int) -> None:
    page = open_page(viewport={"width": width, "height": 844}, locale=locale)
    bring_to(page, state, photo)
    page.evaluate("document.fonts.ready")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cut_off = """elements => elements
        .filter(element => element.checkVisibility() && element.scrollWidth > element.clientWidth + 1)
        .map(element => element.textContent.trim())"""
    texts = ".card, .card :is(p, h2, li span, summary, dd), .samples button, .actions > *, .footer-lines :is(p, li)"
    assert page.locator(texts).evaluate_all(cut_off) == []


def test_the_page_uses_its_own_fonts(open_page: OpenPage) -> None:
    page = open_page()
    loaded = page.evaluate(
        "document.fonts.ready.then(fonts => [...fonts].map(font => `${font.family} ${font.status}`))"
    )
    assert sorted(loaded) == ["Figtree loaded", "Fraunces loaded"]


def test_the_page_respects_reduced_motion(open_page: OpenPage, photo: Path) -> None:
    still, moving = open_page(reduced_motion="reduce"), open_page(reduced_motion="no-preference")
    for page, animation in ((still, "none"), (moving, "grow")):
        bring_to(page, "recognised", photo)
        assert page.locator("progress").first.evaluate("bar => getComputedStyle(bar).animationName") == animation
