"""How photos get into the page: chosen, dropped, pasted or taken; one at a time; what is refused without being sent."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.page.files import PNG, Given, drop, hold_requests, paste, wait_for_request
from tests.support.page.pages import OpenPage, Site

PHONE = {"is_mobile": True, "has_touch": True}


def headline(page: Page) -> Locator:
    return page.locator("#result h2")


def test_a_photo_is_answered_as_soon_as_it_is_chosen(open_page: OpenPage, site: Site, tmp_path: Path) -> None:
    page = open_page()
    (tmp_path / "lunch.png").write_bytes(PNG)
    page.set_input_files("#photo", tmp_path / "lunch.png")
    expect(headline(page)).to_have_text("Banana")
    assert [request.image for request in site.classifier.requests] == [PNG]


def test_a_photo_dropped_anywhere_is_answered_at_once(open_page: OpenPage, site: Site) -> None:
    page = open_page()
    drop(page, Given("dropped.png"))
    expect(headline(page)).to_have_text("Banana")
    expect(page.locator(".notice")).to_have_count(0)
    assert len(site.classifier.requests) == 1


def test_a_pasted_photo_is_answered_at_once(open_page: OpenPage) -> None:
    page = open_page()
    paste(page, Given("pasted.png"))
    expect(headline(page)).to_have_text("Banana")


def test_the_page_shows_where_a_photo_would_be_dropped(open_page: OpenPage) -> None:
    page = open_page()
    hold_requests(page)
    transfer = page.evaluate_handle(
        "() => { const t = new DataTransfer(); t.items.add(new File(['x'], 'x.png')); return t; }"
    )
    page.dispatch_event("h1", "dragover", {"dataTransfer": transfer})
    expect(page.locator(".drop")).to_have_class(re.compile("over"))
    page.dispatch_event("h1", "drop", {"dataTransfer": transfer})
    expect(page.locator(".drop")).not_to_have_class(re.compile("over"))


def test_a_photo_can_be_removed_while_it_is_sent(open_page: OpenPage) -> None:
    page = open_page()
    held = hold_requests(page)
    drop(page, Given("dropped.png"))
    expect(page.locator(".drop-preview .file-name")).to_have_text("dropped.png")
    expect(page.locator(".drop-preview img")).to_be_visible()
    wait_for_request(page, held)
    with page.expect_event("requestfailed"):
        page.get_by_role("button", name="Remove the photo").click()
    expect(page.locator(".drop-preview")).to_be_hidden()
    assert page.evaluate("document.getElementById('photo').files.length") == 0


def test_a_photo_that_another_one_replaces_is_named(open_page: OpenPage) -> None:
    page = open_page()
    held = hold_requests(page)
    drop(page, Given("first.png"))
    wait_for_request(page, held)
    with page.expect_event("requestfailed"):
        drop(page, Given("second.png"))
    wait_for_request(page, held, count=2).continue_()
    expect(headline(page)).to_have_text("Banana")
    expect(page.locator("#result .notice")).to_contain_text(
        "This is second.png. The photo before it was not answered: first.png."
    )


@pytest.mark.parametrize(
    ("file", "title", "text"),
    [
        (Given("apples.txt", "text/plain"), "This is not a photo I can read", "I can’t read files of type TXT."),
        (Given("notes", "application/pdf"), "This is not a photo I can read", "files of type application/pdf."),
        (Given("clip.MP4", "video/mp4"), "This is not a photo I can read", "files of type MP4."),
        (Given("IMG_0042.HEIC", "image/heic"), "This is a HEIC photo", "Most Compatible."),
        (Given("IMG_0042.heif", ""), "This is a HEIC photo", "Export it as JPEG"),
        (Given("large.png", content=bytes(2**20 + 1)), "The file is too large", "The limit is 1\u00a0MB."),
    ],
    ids=lambda value: value.name if isinstance(value, Given) else "",
)
def test_what_can_not_be_answered_is_named_and_not_sent(
    open_page: OpenPage, file: Given, title: str, text: str
) -> None:
    page = open_page()
    held = hold_requests(page)
    drop(page, file)
    expect(headline(page)).to_have_text(title)
    expect(headline(page)).to_be_focused()
    expect(page.locator("#result .file-name")).to_have_text(file.name)
    expect(page.locator("#result")).to_contain_text(text)
    expect(page.locator(".drop-preview")).to_be_hidden()
    assert held == []


def test_a_folder_gets_a_message_of_its_own(open_page: OpenPage) -> None:
    """Browsers give a folder as a file that can't be read."""
    page = open_page()
    held = hold_requests(page)
    page.evaluate("() => { Blob.prototype.arrayBuffer = () => Promise.reject(new DOMException('', 'NotFoundError')); }")
    drop(page, Given("holidays", ""))
    expect(headline(page)).to_have_text("This can’t be opened")
    expect(page.locator("#result .file-name")).to_have_text("holidays")
    assert held == []


def test_a_type_that_the_browser_does_not_know_is_left_to_the_server(open_page: OpenPage) -> None:
    page = open_page()
    drop(page, Given("photo", ""))
    expect(headline(page)).to_have_text("Banana")


def test_the_server_names_a_file_that_it_can_not_read(open_page: OpenPage) -> None:
    page = open_page(locale="fr-FR")
    drop(page, Given("liste.png", content=b"pommes, poires"))
    expect(headline(page)).to_have_text("Je ne sais pas lire ce fichier")
    expect(page.locator("#result .file-name")).to_have_text("liste.png")
    expect(page.locator("#result")).to_contain_text("Ce n’est pas une image")


def test_without_a_script_a_file_that_can_not_be_read_is_named_too(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(java_script_enabled=False)
    (tmp_path / "list.txt").write_text("apples, pears")
    page.set_input_files("#photo", tmp_path / "list.txt")
    page.locator("#photo-form button.primary").click()
    expect(headline(page)).to_have_text("This is not a photo I can read")
    expect(page.locator("#result .file-name")).to_have_text("list.txt")


def test_an_old_error_goes_when_another_photo_is_chosen(open_page: OpenPage) -> None:
    page = open_page()
    drop(page, Given("list.txt", "text/plain"))
    expect(page.locator("#result .error")).to_be_visible()
    hold_requests(page)
    drop(page, Given("photo.png"))
    expect(page.locator("#result")).to_be_empty()


def test_a_name_is_shown_as_it_is(open_page: OpenPage) -> None:
    page = open_page()
    drop(page, Given("<b>{name}</b>$&.txt", "text/plain"))
    expect(page.locator("#result .file-name")).to_have_text("<b>{name}</b>$&.txt")


def test_on_a_phone_the_page_speaks_of_taking_a_photo(open_page: OpenPage, site: Site, tmp_path: Path) -> None:
    page = open_page("phone", **PHONE)
    expect(page.get_by_text("Take a photo or choose one")).to_be_visible()
    expect(page.get_by_text("Drop or paste")).to_be_hidden()
    expect(page.get_by_text("Take a photo", exact=True)).to_be_visible()
    camera = page.locator("#camera")
    expect(camera).to_have_attribute("capture", "environment")
    (tmp_path / "taken.png").write_bytes(PNG)
    camera.set_input_files(tmp_path / "taken.png")
    expect(headline(page)).to_have_text("Banana")
    assert [request.image for request in site.classifier.requests] == [PNG]


def test_on_a_phone_without_a_script_a_photo_can_be_taken_and_sent(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page("phone", java_script_enabled=False, **PHONE)
    (tmp_path / "taken.png").write_bytes(PNG)
    expect(page.get_by_text("Take a photo", exact=True)).to_be_visible()
    page.locator("#camera").set_input_files(tmp_path / "taken.png")
    page.get_by_role("button", name="Predict").click()
    expect(headline(page)).to_have_text("Banana")


def test_on_a_computer_no_photo_can_be_taken(open_page: OpenPage) -> None:
    page = open_page()
    expect(page.get_by_text("Drop or paste a photo here")).to_be_visible()
    expect(page.locator("#camera")).to_be_hidden()
    expect(page.get_by_text("Take a photo")).to_have_count(2)
    assert page.get_by_text("Take a photo").filter(visible=True).count() == 0
