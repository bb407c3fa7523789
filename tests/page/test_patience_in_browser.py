"""What the page does when no answer comes: it asks again for a while, and says so. The page's clock is the test's."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Response, Route, expect

from engine.errors import VergerError
from services.common.errors import ModelNotLoaded, Overloaded
from tests.page.conftest import OpenPage, Site
from tests.support.photos import encoded, scene
from tests.support.scripted_classifier import BANANA
from tests.support.waiting import wait_until


@pytest.fixture
def page(open_page: OpenPage, tmp_path: Path) -> Page:
    """The page with a photo that can be sent. Its time stands still until a test lets it pass."""
    path = tmp_path / "lunch.jpg"
    path.write_bytes(encoded(scene()))
    page = open_page()
    page.clock.install(time=0)
    page.clock.pause_at(1)
    page.set_input_files("#photo", path)
    return page


def headline(page: Page) -> Locator:
    return page.locator("#result h2")


def notice(page: Page) -> Locator:
    return page.get_by_text("I keep trying for a few seconds…")


def now(page: Page) -> float:
    """Milliseconds."""
    return float(page.evaluate("performance.now()"))


def predict(page: Page) -> None:
    page.get_by_role("button", name="Predict").click()


def let_time_pass(page: Page, until: Callable[[], object], what: str) -> None:
    """In steps, for between two pauses of the page there is a request, which takes its own time."""

    def passed() -> bool:
        page.clock.run_for(100)
        return bool(until())

    wait_until(passed, what=what)


def lose_all(page: Page) -> list[str]:
    """From now on no request arrives; gives the list of those that were tried."""
    tried: list[str] = []

    def lose(route: Route) -> None:
        tried.append(route.request.url)
        route.abort()

    page.route("**/predict", lose)
    return tried


def answer_once(page: Page, status: int, **headers: str) -> None:
    """The next request gets this answer, which is none for people."""
    page.route("**/predict", lambda route: route.fulfill(status=status, headers=headers, body="<h2>Away"), times=1)


AWAY = {"X-Request-ID": "1", "Retry-After": "4"}
"""Headers of the web service's own 503."""


def test_a_lost_connection_is_said(page: Page) -> None:
    tried = lose_all(page)
    start = now(page)
    predict(page)
    let_time_pass(page, lambda: len(tried) == 3, "a third attempt")
    expect(headline(page)).to_have_count(0)
    let_time_pass(page, headline(page).is_visible, "the end of all patience")
    expect(headline(page)).to_have_text("No connection")
    expect(notice(page)).to_have_count(0)
    expect(page.locator("#photo-form")).to_have_attribute("aria-busy", "false")
    assert 8_000 <= now(page) - start <= 12_000
    page.unroute("**/predict")
    predict(page)
    expect(headline(page)).to_have_text("Banana")


def test_after_a_second_the_page_says_that_it_keeps_trying(page: Page) -> None:
    lose_all(page)
    with page.expect_event("requestfailed"):
        predict(page)
    page.clock.run_for(900)
    expect(notice(page)).to_have_count(0)
    let_time_pass(page, notice(page).is_visible, "a word to those who wait")
    expect(notice(page)).to_be_in_viewport()
    page.unroute("**/predict")
    let_time_pass(page, headline(page).is_visible, "the answer")
    expect(headline(page)).to_have_text("Banana")
    expect(notice(page)).to_have_count(0)


def test_what_is_away_for_a_moment_is_asked_again_when_it_says(page: Page) -> None:
    answer_once(page, 503, **AWAY)
    start = now(page)
    predict(page)
    let_time_pass(page, headline(page).is_visible, "the answer")
    expect(headline(page)).to_have_text("Banana")
    assert now(page) - start >= 4_000


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_proxy_that_reaches_nobody_is_asked_again(page: Page, status: int) -> None:
    answer_once(page, status)
    predict(page)
    let_time_pass(page, headline(page).is_visible, "the answer")
    expect(headline(page)).to_have_text("Banana")


def test_what_stays_away_is_said_in_its_own_words(page: Page, site: Site) -> None:
    site.classifier.outcomes = [ModelNotLoaded("None.")]
    answers: list[Response] = []
    page.on("response", lambda response: answers.append(response))
    predict(page)
    let_time_pass(page, headline(page).is_visible, "the end of all patience")
    expect(headline(page)).to_have_text("No model is ready yet")
    statuses = [answer.status for answer in answers if answer.url.endswith("/predict")]
    assert len(statuses) > 1
    assert set(statuses) == {503}


@pytest.mark.parametrize("refusal", [Overloaded("Full."), VergerError("A mistake of ours.")], ids=["429", "500"])
def test_a_refusal_is_an_answer(page: Page, site: Site, refusal: VergerError) -> None:
    site.classifier.outcomes = [refusal, BANANA]
    predict(page)
    expect(page.locator("#result .error h2")).to_be_visible()
    page.clock.run_for(12_000)
    assert len(site.classifier.requests) == 1


@pytest.mark.parametrize("said", [False, True], ids=["at once", "after a while"])
def test_who_takes_the_photo_back_waits_no_longer(page: Page, site: Site, said: bool) -> None:
    answer_once(page, 503, **AWAY)
    with page.expect_event("requestfinished"):
        predict(page)
    if said:
        let_time_pass(page, notice(page).is_visible, "a word to those who wait")
    page.get_by_role("button", name="Remove the photo").click()
    expect(notice(page)).to_have_count(0)
    expect(page.locator("#photo-form")).to_have_attribute("aria-busy", "false")
    for _ in range(12):
        page.clock.run_for(1_000)
        expect(page.locator("#result")).to_be_empty()
    assert site.classifier.requests == []
