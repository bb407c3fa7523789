"""The page's retries when it gets no answer. The tests control the page's clock."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Response, Route, expect

from engine.errors import VergerError
from services.common.errors import ModelNotLoaded, Overloaded
from tests.support.page.pages import OpenPage, Site
from tests.support.page.scripted_classifier import BANANA
from tests.support.pictures.photos import encoded, scene
from tests.support.waiting import wait_until


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """The page. Its clock stands still until a test advances it."""
    page = open_page()
    page.clock.install(time=0)
    page.clock.pause_at(1)
    return page


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "lunch.jpg"
    path.write_bytes(encoded(scene()))
    return path


def headline(page: Page) -> Locator:
    return page.locator("#result h2")


def notice(page: Page) -> Locator:
    return page.get_by_text("I’ll keep trying for a few seconds…")


def now(page: Page) -> float:
    """Returns the time of the page's clock, in milliseconds."""
    return float(page.evaluate("performance.now()"))


def predict(page: Page, photo: Path) -> None:
    """Chooses the photo, which sends it."""
    page.set_input_files("#photo", photo)


def advance_clock(page: Page, until: Callable[[], object], what: str) -> None:
    """Advances the page's clock in steps of 100 ms, because the requests between its pauses take real time."""

    def passed() -> bool:
        page.clock.run_for(100)
        return bool(until())

    wait_until(passed, what=what)


def abort_all(page: Page) -> list[str]:
    """Aborts all requests from now on; returns a list that grows with their addresses."""
    tried: list[str] = []

    def abort(route: Route) -> None:
        tried.append(route.request.url)
        route.abort()

    page.route("**/predict", abort)
    return tried


def answer_once(page: Page, status: int, **headers: str) -> None:
    """Answers the next request with this status and these headers, and without an answer for visitors."""
    page.route("**/predict", lambda route: route.fulfill(status=status, headers=headers, body="<h2>Away"), times=1)


UNAVAILABLE = {"X-Request-ID": "1", "Retry-After": "4"}
"""Headers of a 503 from the web service itself."""


def test_after_ten_seconds_without_a_connection_the_page_says_so(page: Page, photo: Path) -> None:
    tried = abort_all(page)
    start = now(page)
    predict(page, photo)
    advance_clock(page, lambda: len(tried) == 3, "a third attempt")
    expect(headline(page)).to_have_count(0)
    advance_clock(page, headline(page).is_visible, "the end of the retries")
    expect(headline(page)).to_have_text("No connection")
    expect(notice(page)).to_have_count(0)
    expect(page.locator("#photo-form")).to_have_attribute("aria-busy", "false")
    assert 8_000 <= now(page) - start <= 12_000
    page.unroute("**/predict")
    page.get_by_role("button", name="Predict").click()  # the photo is still there
    expect(headline(page)).to_have_text("Banana")


def test_after_a_second_a_notice_says_that_the_page_keeps_trying(page: Page, photo: Path) -> None:
    abort_all(page)
    with page.expect_event("requestfailed"):
        predict(page, photo)
    page.clock.run_for(900)
    expect(notice(page)).to_have_count(0)
    advance_clock(page, notice(page).is_visible, "the notice")
    expect(notice(page)).to_be_in_viewport()
    page.unroute("**/predict")
    advance_clock(page, headline(page).is_visible, "the answer")
    expect(headline(page)).to_have_text("Banana")
    expect(notice(page)).to_have_count(0)


def test_the_page_retries_a_503_after_its_retry_after(page: Page, photo: Path) -> None:
    answer_once(page, 503, **UNAVAILABLE)
    start = now(page)
    predict(page, photo)
    advance_clock(page, headline(page).is_visible, "the answer")
    expect(headline(page)).to_have_text("Banana")
    assert now(page) - start >= 4_000


@pytest.mark.parametrize("status", [502, 503, 504])
def test_the_page_retries_when_a_proxy_can_not_reach_the_service(page: Page, photo: Path, status: int) -> None:
    answer_once(page, status)
    predict(page, photo)
    advance_clock(page, headline(page).is_visible, "the answer")
    expect(headline(page)).to_have_text("Banana")


def test_after_the_last_retry_the_page_shows_the_error_of_the_service(page: Page, photo: Path, site: Site) -> None:
    site.classifier.outcomes = [ModelNotLoaded("None.")]
    answers: list[Response] = []
    page.on("response", lambda response: answers.append(response))
    predict(page, photo)
    advance_clock(page, headline(page).is_visible, "the end of the retries")
    expect(headline(page)).to_have_text("No model is ready yet")
    statuses = [answer.status for answer in answers if answer.url.endswith("/predict")]
    assert len(statuses) > 1
    assert set(statuses) == {503}


@pytest.mark.parametrize("error", [Overloaded("Full."), VergerError("A bug.")], ids=["429", "500"])
def test_other_errors_are_not_retried(page: Page, photo: Path, site: Site, error: VergerError) -> None:
    site.classifier.outcomes = [error, BANANA]
    predict(page, photo)
    expect(page.locator("#result .error h2")).to_be_visible()
    page.clock.run_for(12_000)
    assert len(site.classifier.requests) == 1


@pytest.mark.parametrize("after_notice", [False, True], ids=["at once", "after the notice"])
def test_removing_the_photo_stops_the_retries(page: Page, photo: Path, site: Site, after_notice: bool) -> None:
    answer_once(page, 503, **UNAVAILABLE)
    with page.expect_event("requestfinished"):
        predict(page, photo)
    if after_notice:
        advance_clock(page, notice(page).is_visible, "the notice")
    page.get_by_role("button", name="Remove the photo").click()
    expect(notice(page)).to_have_count(0)
    expect(page.locator("#photo-form")).to_have_attribute("aria-busy", "false")
    for _ in range(12):
        page.clock.run_for(1_000)
        expect(page.locator("#result")).to_be_empty()
    assert site.classifier.requests == []
