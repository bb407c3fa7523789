"""Saying whether an answer is right, in a real browser, with a real collection behind the page."""

from collections.abc import Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from verger.v1 import collection_pb2

from services.collection.photos.jpeg import without_metadata
from tests.support.background import in_background
from tests.support.page.files import Given, drop
from tests.support.page.pages import OpenPage, Site, page_opener
from tests.support.page.scripted_classifier import ScriptedClassifier, scripted_server, web_server
from tests.support.pictures.photos import encoded, patches, scene
from tests.support.servers.collection_server import Collection, running_collection
from tests.support.waiting import wait_until


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[Collection]:
    with running_collection(tmp_path / "photos", f"sqlite:///{tmp_path / 'collection.db'}") as running:
        yield running


@pytest.fixture
def open_page(browser: Browser, collection: Collection) -> Iterator[OpenPage]:
    """Opens pages that ask whether photos may be kept."""

    @asynccontextmanager
    async def serving():  # type: ignore[no-untyped-def]
        classifier, target = ScriptedClassifier(), f"127.0.0.1:{collection.port}"
        async with scripted_server(classifier) as port, web_server(port, collection_target=target) as address:
            yield Site(address, classifier)

    with in_background(serving()) as site, page_opener(browser, site) as opener:
        yield opener


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    file = tmp_path / "lunch.jpg"
    file.write_bytes(encoded(scene()))
    return file


def reports(collection: Collection) -> list[tuple[int, str]]:
    """What people said of photos that are kept."""
    answers = [answer for photo in collection.listed().photos for answer in photo.answers]
    return [(answer.report.kind, answer.report.label) for answer in answers]


def send(page: Page, photo: Path, *, keep: bool = False, script: bool = True) -> None:
    box = page.locator("#photo-form [name=keep]")
    expect(box).not_to_be_checked()
    if keep:
        box.check()
    page.set_input_files("#photo", photo)
    if not script:
        page.click("#photo-form .primary")
    expect(page.locator("#answer")).to_be_visible()


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
@pytest.mark.parametrize(("locale", "no", "cherry"), [("en", "No", "cherry"), ("fr", "Non", "cerise")])
def test_two_clicks_say_what_a_photo_shows(
    open_page: OpenPage, collection: Collection, photo: Path, script: bool, locale: str, no: str, cherry: str
) -> None:
    page = open_page("phone", locale=locale, java_script_enabled=script)
    send(page, photo, keep=True, script=script)
    feedback = page.locator(".feedback")
    feedback.get_by_text(no, exact=True).click()
    feedback.get_by_role("button", name=cherry, exact=True).click()
    expect(page.locator(".thanks")).to_be_visible()
    assert reports(collection) == [(collection_pb2.REPORT_KIND_CLASS, "cherry")]


def test_a_visitor_may_give_the_photo_after_the_answer(
    open_page: OpenPage, collection: Collection, photo: Path
) -> None:
    page = open_page()
    send(page, photo)
    page.locator(".feedback [name=keep]").check()
    page.locator(".feedback").get_by_text("No", exact=True).click()
    page.get_by_role("button", name="None of these").click()
    expect(page.locator(".thanks")).to_contain_text("noted for review")
    assert reports(collection) == [(collection_pb2.REPORT_KIND_NONE, "")]


def test_without_a_yes_nothing_leaves_the_browser_but_the_word(
    open_page: OpenPage, collection: Collection, photo: Path
) -> None:
    page = open_page()
    sizes: list[int] = []
    page.on(
        "request", lambda request: "/feedback" in request.url and sizes.append(len(request.post_data_buffer or b""))
    )
    send(page, photo)
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".thanks")).to_contain_text("was not kept")
    assert len(sizes) == 1
    assert sizes[0] < photo.stat().st_size
    assert collection.ids() == []


def test_feedback_that_can_not_be_noted_says_so_and_can_be_sent_again(
    open_page: OpenPage, collection: Collection, photo: Path
) -> None:
    page = open_page()
    send(page, photo, keep=True)
    wait_until(collection.ids, what="the photo")
    page.route("**/feedback", lambda route: route.abort())
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".error")).to_be_visible()
    page.unroute("**/feedback")
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".thanks")).to_be_visible()
    expect(page.locator(".error")).to_have_count(0)
    assert reports(collection) == [(collection_pb2.REPORT_KIND_RIGHT, "")]


def test_of_several_photos_the_wrong_answer_is_corrected_and_its_photo_given(
    open_page: OpenPage, collection: Collection
) -> None:
    page = open_page()
    photos = [Given(f"{seed}.jpg", "image/jpeg", encoded(patches(seed=seed))) for seed in range(2)]
    drop(page, *photos)
    card = page.locator(".several li").nth(1)
    card.locator("[name=keep]").check()
    card.get_by_text("No", exact=True).click()
    card.get_by_role("button", name="cherry", exact=True).click()
    expect(card.locator(".thanks")).to_contain_text("noted for review")
    assert reports(collection) == [(collection_pb2.REPORT_KIND_CLASS, "cherry")]
    (kept,) = collection.ids()
    image = collection.photo(kept, view=collection_pb2.PHOTO_VIEW_IMAGE).image
    assert image == without_metadata(photos[1].content)


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_the_question_is_accessible_and_fits(open_page: OpenPage, photo: Path, size: str) -> None:
    page = open_page(size)
    send(page, photo)
    page.locator(".feedback summary").click()
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
