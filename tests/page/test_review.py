"""Reviewing kept photos in a real browser, by keyboard, with one real collection behind the page for all tests.

Each test adds photos that a version of its own has answered, and looks at these.
"""

import json
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect
from verger.v1 import collection_pb2

from tests.support.background import in_background
from tests.support.page.pages import OpenPage, Site, page_opener
from tests.support.page.scripted_classifier import (
    BANANA_ON_THE_LEFT,
    FRUITS,
    ScriptedClassifier,
    scripted_server,
    web_server,
)
from tests.support.pictures.photos import encoded, patches
from tests.support.servers.collection_server import Collection, a, answer, running_collection
from tests.support.waiting import wait_until

log = logging.getLogger(__name__)

_seeds = count()
WCAG_AA = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
KEYS = dict(zip(FRUITS, "1234567890", strict=True))


@pytest.fixture(scope="module", autouse=True)
def patience() -> Iterator[None]:
    """Waits longer than usual: on a busy machine, dozens of decisions take a while to arrive."""
    expect.set_options(timeout=60_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    folder = tmp_path_factory.mktemp("collection")
    with running_collection(folder / "photos", f"sqlite:///{folder / 'collection.db'}") as running:
        yield running


@pytest.fixture(scope="module")
def running(collection: Collection) -> Iterator[Site]:
    @asynccontextmanager
    async def serving() -> AsyncIterator[Site]:
        classifier, target = ScriptedClassifier(), f"127.0.0.1:{collection.port}"
        classifier.outcomes = [BANANA_ON_THE_LEFT]
        async with scripted_server(classifier) as port, web_server(port, collection_target=target) as address:
            yield Site(address, classifier)

    with in_background(serving()) as site:
        yield site


@pytest.fixture
def open_page(browser: Browser, running: Site) -> Iterator[OpenPage]:
    with page_opener(browser, running) as opener:
        yield opener


@pytest.fixture
def version(request: pytest.FixtureRequest) -> str:
    """A version whose photos this test looks at."""
    return f"v{abs(hash(request.node.name)) % 10**9}"


def add(collection: Collection, version: str, label: str = "cherry", photo: bytes = b"", **fields: object) -> str:
    image = photo or encoded(patches((240, 180), seed=next(_seeds)))
    return collection.add(image, classification=answer(label, version), **fields).photo_id


def label_of(collection: Collection, photo: str) -> str:
    """The class that a photo has; “none” or “discarded”; an empty text without a label."""
    label = collection.photo(photo).photo.label
    kinds = {collection_pb2.LABEL_KIND_NONE: "none", collection_pb2.LABEL_KIND_DISCARDED: "discarded"}
    return kinds.get(label.kind, label.name)


def review(
    open_page: OpenPage, version: str, query: str = "order=newest", size: str = "desktop", **options: object
) -> Page:
    page = open_page(size, f"/review?version={version}&{query}", **options)
    if "large" in query:
        expect(page.locator("#detail [data-photo]")).to_be_visible()
    elif options.get("java_script_enabled", True):
        expect(page.locator(".tile.focus")).to_have_count(1)
    return page


def in_focus(page: Page) -> str:
    return str(page.locator(".tile.focus").get_attribute("data-id"))


def settled(page: Page) -> None:
    expect(page.locator(".tile.pending")).to_have_count(0)


def test_thirty_photos_are_decided_by_keyboard_alone(open_page: OpenPage, collection: Collection, version: str) -> None:
    wanted = [*FRUITS, "none", "discarded"] * 3
    ids = [add(collection, version) for _ in wanted][::-1]  # newest first
    page = review(open_page, version)
    started = time.perf_counter()
    for label in wanted:
        page.keyboard.press(KEYS.get(label) or {"none": "n", "discarded": "x"}[label])
    expect(page.locator("#status")).to_contain_text(f"{len(wanted)} decided")
    minutes = (time.perf_counter() - started) / 60
    log.info("%d decisions a minute", len(wanted) / minutes)
    assert [label_of(collection, photo) for photo in ids] == wanted
    page.reload()
    expect(page.locator(".empty")).to_be_visible()  # without a label, nothing is left
    page.get_by_role("combobox", name="Photos").select_option("labelled")
    expect(page.locator("#photo-0 strong")).to_have_text("apple")


def test_what_looks_alike_is_decided_as_one_and_undone_after_a_reload(
    open_page: OpenPage, collection: Collection, version: str
) -> None:
    burst = patches((240, 180), seed=next(_seeds))
    ids = [add(collection, version, photo=encoded(burst, quality=quality)) for quality in (95, 80, 60)]
    other = add(collection, version)
    page = review(open_page, version, "order=useful&together=1")
    while in_focus(page) not in ids:
        page.keyboard.press("ArrowRight")
    expect(page.locator(".tile.together")).to_have_count(3)
    page.keyboard.press("5")
    settled(page)
    wait_until(lambda: [label_of(collection, photo) for photo in ids] == ["kiwi"] * 3, what="the labels")
    assert label_of(collection, other) == ""
    page.reload()
    expect(page.locator(".tile")).to_have_count(1)
    page.keyboard.press("u")
    expect(page.locator("#notice")).to_contain_text("label from before: 3")
    assert [label_of(collection, photo) for photo in ids] == [""] * 3


def test_many_are_selected_with_shift_all_or_their_group_and_decided_at_once(
    open_page: OpenPage, collection: Collection, version: str
) -> None:
    burst = patches((240, 180), seed=next(_seeds))
    ids = [add(collection, version) for _ in range(4)]
    group = [add(collection, version, photo=encoded(burst, quality=quality)) for quality in (95, 60)]
    newest_first = [*group[::-1], *ids[::-1]]
    page = review(open_page, version, "order=newest&state=all")
    page.keyboard.press("s" if page.locator("#together").is_checked() else "Shift")
    page.keyboard.press("g")
    expect(page.locator("[aria-selected=true]")).to_have_count(2)
    page.keyboard.press("n")
    settled(page)
    assert in_focus(page) == newest_first[2]
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("y")  # what was answered
    settled(page)
    expect(page.locator("#status")).to_contain_text("5 decided")
    labels = [label_of(collection, photo) for photo in newest_first]
    assert labels == ["none", "none", "cherry", "cherry", "cherry", ""]
    page.keyboard.press("Control+a")
    expect(page.locator("[aria-selected=true]")).to_have_count(6)
    page.keyboard.press("x")
    expect(page.locator("#status")).to_contain_text("11 decided")
    assert {label_of(collection, photo) for photo in newest_first} == {"discarded"}
    page.keyboard.press("u")
    expect(page.locator("#notice")).to_contain_text("label from before: 6")
    assert [label_of(collection, photo) for photo in newest_first] == labels


def test_two_reviewers_never_overwrite_each_other_silently(
    open_page: OpenPage, collection: Collection, version: str
) -> None:
    photo = add(collection, version)
    anna, ben = (review(open_page, version) for _ in range(2))
    anna.keyboard.press("4")
    expect(anna.locator(".tile strong")).to_have_text("cherry")
    settled(anna)
    ben.keyboard.press("5")
    expect(ben.locator("#notice")).to_contain_text("Somebody has labelled a photo meanwhile: cherry")
    expect(ben.locator(".tile.conflict strong")).to_have_text("cherry")
    assert label_of(collection, photo) == "cherry"
    ben.keyboard.press("5")  # now knowing it
    expect(ben.locator(".tile.conflict")).to_have_count(0)
    wait_until(lambda: label_of(collection, photo) == "kiwi", what="the second decision")


def test_a_deleted_photo_is_told_of(open_page: OpenPage, collection: Collection, version: str) -> None:
    photo = add(collection, version)
    page = review(open_page, version)
    expect(page.locator("#detail [data-photo]")).to_be_visible()  # or the large view tells of it first
    collection.delete(photo)
    page.keyboard.press("1")
    expect(page.locator("#notice")).to_contain_text("deleted meanwhile")
    expect(page.locator(".tile.gone")).to_have_count(1)


def test_deleting_asks_first(open_page: OpenPage, collection: Collection, version: str) -> None:
    photo = add(collection, version)
    page = review(open_page, version)
    page.keyboard.press("Delete")
    page.keyboard.press("Enter")  # the button in focus leaves it there
    expect(page.locator("#deleting")).to_be_hidden()
    assert collection.photo(photo).photo.photo_id == photo
    page.keyboard.press("Delete")
    page.get_by_role("button", name="Delete for ever").click()
    expect(page.locator("#notice")).to_contain_text("Photos deleted: 1")
    assert photo not in collection.ids(model_version=version)


def test_a_reload_shows_the_same(open_page: OpenPage, collection: Collection, version: str) -> None:
    said = collection_pb2.Report(kind=collection_pb2.REPORT_KIND_NONE, note="a tomato")
    ids = [add(collection, version, report=said) for _ in range(5)]
    add(collection, version)
    page = review(open_page, version, "")
    page.get_by_label("Text in notes").fill("tomato")
    page.get_by_label("Text in notes").press("Enter")
    page.get_by_label("Order").select_option("newest")
    expect(page.locator("#status")).to_contain_text("5 photos")
    page.locator("#gallery").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator(f"#detail [data-photo='{ids[2]}']")).to_be_visible()
    page.wait_for_function("id => location.search.includes(id) && location.search.includes('large=1')", arg=ids[2])
    page.reload()
    expect(page.locator(f"#detail [data-photo='{ids[2]}']")).to_be_visible()
    expect(page.locator("#gallery")).to_be_hidden()
    expect(page.locator("#status")).to_contain_text("5 photos")
    expect(page.get_by_label("Text in notes")).to_have_value("tomato")
    page.keyboard.press("e")
    expect(page.locator(".overlay")).to_be_attached()
    page.keyboard.press("Escape")
    assert in_focus(page) == ids[2]


def test_of_10000_photos_only_those_that_are_visible_are_in_the_document(
    open_page: OpenPage, collection: Collection, version: str
) -> None:
    photo, size, part = add(collection, version), 10_000, 500
    item = {"revision": 0, "group": photo, "size": 1, "tone": "unsure", "answer": "cherry", "report": "", "name": ""}
    item |= {"suggestion": "", "label": "", "by": ""}

    def answer_list(route: Route) -> None:
        query = dict(each.split("=") for each in route.request.url.partition("?")[2].split("&"))
        start = int(query.get("after", 0))
        items = [item | {"id": f"{number:032x}"} for number in range(start, start + part)]
        route.fulfill(body=json.dumps({"items": items, "next": str(start + part) if start + part < size else ""}))

    page = open_page(path="/")
    page.route("**/review/photos?*", answer_list)
    page.route("**/review/photos/*", lambda route: route.fulfill(body="<p></p>"))
    page.route("**/review/thumbnails/*", lambda route: route.fulfill(body=b"", content_type="image/jpeg"))
    page.goto(f"{page.url}review?version={version}")
    expect(page.locator(".tile.focus")).to_have_count(1)

    def is_at_the_end() -> bool:
        page.keyboard.press("End")
        assert 0 < page.locator(".tile").count() < 150
        return page.locator("#status").inner_text() == f"{size} photos"

    wait_until(is_at_the_end, what="the end of the list")
    page.keyboard.press("End")
    expect(page.locator(".tile.focus")).to_have_attribute("data-id", f"{size - 1:032x}")


def test_without_a_script_photos_are_labelled_with_forms(
    open_page: OpenPage, collection: Collection, version: str
) -> None:
    photo, other = add(collection, version), add(collection, version)
    page = review(open_page, version, java_script_enabled=False)
    page.locator(f"[value='{photo}:0']").check()
    page.get_by_role("button", name="kiwi", exact=True).click()
    expect(page.locator("#notice")).to_contain_text("got the label: 1")
    assert (label_of(collection, photo), label_of(collection, other)) == ("kiwi", "")
    expect(page.locator(".tile")).to_have_count(1)
    page.get_by_role("button", name="undo").click()
    expect(page.locator(".tile")).to_have_count(2)
    page.get_by_role("link", name="cherry").first.click()
    expect(page.locator("#detail [data-photo]")).to_be_visible()


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_the_page_is_accessible_and_fits(
    open_page: OpenPage, collection: Collection, version: str, color_scheme: str, size: str
) -> None:
    said = collection_pb2.Report(kind=collection_pb2.REPORT_KIND_CLASS, label="kiwi", note="From my garden")
    ids = [add(collection, version, report=said) for _ in range(2)]
    collection.label(f"decision-{version}", {ids[0]: 0}, a("mango"), reviewer="anna")
    page = review(open_page, version, "state=all&large=1", size, color_scheme=color_scheme, locale="fr-FR")
    for show in ("Escape", "?"):
        found = Axe().run(page, options=WCAG_AA)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.keyboard.press(show)
    expect(page.get_by_role("dialog")).to_contain_text("annuler la dernière décision")
    found = Axe().run(page, options=WCAG_AA)
    assert found.violations_count == 0, found.generate_report()


def test_on_a_phone_a_tap_shows_a_photo_and_a_button_labels_it(
    open_page: OpenPage, collection: Collection, version: str
) -> None:
    ids = [add(collection, version) for _ in range(2)]
    page = review(open_page, version, "order=newest", "phone", has_touch=True, is_mobile=True)
    page.locator(".tile").first.tap()
    expect(page.locator(f"#detail [data-photo='{ids[1]}']")).to_be_visible()
    page.get_by_role("button", name="kiwi", exact=True).tap()
    expect(page.locator(f"#detail [data-photo='{ids[0]}']")).to_be_visible()
    wait_until(lambda: label_of(collection, ids[1]) == "kiwi", what="the label")
    page.get_by_role("button", name="List").tap()
    expect(page.locator(".tile")).to_have_count(2)


def test_a_failed_decision_is_not_shown_as_made(open_page: OpenPage, collection: Collection, version: str) -> None:
    photo = add(collection, version)
    page = review(open_page, version)
    page.route("**/review/labels", lambda route: route.fulfill(status=403, body="<p class='card error'>No.</p>"))
    page.keyboard.press("1")
    expect(page.locator("#notice .error")).to_be_visible()
    expect(page.locator(".tile strong")).to_have_text("\N{NO-BREAK SPACE}")
    assert label_of(collection, photo) == ""
