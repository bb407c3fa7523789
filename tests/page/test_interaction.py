"""The page in use: with and without JavaScript, by mouse and by keyboard, in both languages."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from verger.v1 import classifier_pb2

from services.common.errors import Overloaded
from tests.support.page.files import hold_requests, wait_for_request
from tests.support.page.pages import OpenPage, Site
from tests.support.page.scripted_classifier import answer
from tests.support.pictures.photos import encoded, scene

UNSURE = answer({"apple": 0.41, "mango": 0.37, "kiwi": 0.22}, classifier_pb2.VERDICT_UNSURE)
OUT_OF_SCOPE = answer({"mango": 0.4, "kiwi": 0.35, "apple": 0.25}, classifier_pb2.VERDICT_OUT_OF_SCOPE)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "lunch.jpg"
    path.write_bytes(encoded(scene((320, 240))))
    return path


def is_painted(image: Locator) -> bool:
    expect(image).to_be_visible()
    return bool(image.evaluate("async image => { await image.decode(); return image.naturalWidth > 0; }"))


def headline(page: Page) -> Locator:
    return page.locator("#result h2")


def send(page: Page, photo: Path, *, script: bool = False) -> None:
    """Chooses a photo; the script sends it at once, without it the button does."""
    page.set_input_files("#photo", photo)
    if not script:
        page.locator("#photo-form button.primary").click()


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_the_answer_to_a_photo_appears_without_a_reload(open_page: OpenPage, photo: Path, size: str) -> None:
    page = open_page(size)
    page.evaluate("window.wasNotReloaded = true")
    held = hold_requests(page)
    page.set_input_files("#photo", photo)
    assert is_painted(page.locator(".drop-preview img"))
    expect(page.locator(".drop-preview .file-name")).to_have_text("lunch.jpg")
    expect(page.locator("#photo-form button.primary")).to_have_text("Looking at it…")
    wait_for_request(page, held).continue_()
    expect(headline(page)).to_have_text("Banana")
    expect(headline(page)).to_be_focused()
    expect(headline(page)).to_be_in_viewport()
    assert is_painted(page.locator(".answer .photo img"))
    expect(page.locator(".answer .photo img")).to_have_attribute("src", re.compile("^blob:"))
    expect(page.locator(".drop-preview")).to_be_hidden()
    assert page.locator("progress").count() == 5
    expect(page.locator(".bars li").first).to_contain_text("96%")
    expect(page.get_by_role("button", name="Predict")).to_be_enabled()
    assert page.evaluate("window.wasNotReloaded")
    page.get_by_role("link", name="Try another photo").click()
    expect(page.locator("#photo")).to_be_focused()


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_the_page_works_without_javascript(open_page: OpenPage, photo: Path, size: str) -> None:
    page = open_page(size, java_script_enabled=False)
    send(page, photo)
    expect(headline(page)).to_have_text("Banana")
    assert page.url.endswith("/predict#result")
    expect(page.locator(".answer .photo img")).to_have_attribute("src", re.compile("^data:image/jpeg;base64,"))
    expect(page.locator(".answer .photo figcaption")).to_have_count(0)
    page.get_by_role("button", name="kiwi").click()
    expect(page.locator(".answer .photo img")).to_have_attribute("src", re.compile("samples/kiwi.webp"))
    page.get_by_role("button", name="Predict").click()
    expect(headline(page)).to_have_text("No photo yet")


def test_the_security_policy_allows_the_photo_as_a_data_uri(open_page: OpenPage, photo: Path) -> None:
    """The form is replaced by a copy without the script's handlers; with JavaScript off the test could not look."""
    page = open_page()
    page.evaluate(
        "document.getElementById('photo-form').replaceWith(document.getElementById('photo-form').cloneNode(true))"
    )
    send(page, photo)
    expect(headline(page)).to_have_text("Banana")
    assert page.url.endswith("/predict#result")
    assert is_painted(page.locator(".answer .photo img[src^='data:']"))


@pytest.mark.parametrize(("label", "size"), [("banana", "desktop"), ("strawberry", "phone")])
def test_a_click_on_a_sample_classifies_it(open_page: OpenPage, site: Site, label: str, size: str) -> None:
    site.classifier.outcomes = [answer({label: 0.97, "kiwi": 0.03})]
    page = open_page(size)
    page.get_by_role("button", name=label).click()
    expect(headline(page)).to_have_text(label.capitalize())
    assert is_painted(page.locator(f".answer img[src*='samples/{label}']"))
    expect(page.locator(".answer .photo")).to_be_in_viewport(ratio=0.9)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_unsure_and_out_of_scope_are_explained_in_words(
    open_page: OpenPage, site: Site, photo: Path, script: bool
) -> None:
    site.classifier.outcomes = [UNSURE, OUT_OF_SCOPE]
    page = open_page(java_script_enabled=script, locale="fr-FR")
    send(page, photo, script=script)
    expect(headline(page)).to_have_text("J’hésite\u00a0: pomme ou mangue\u202f?")
    send(page, photo, script=script)
    expect(headline(page)).to_have_text("Aucune des 10\u00a0catégories que je connais")
    expect(page.locator(".bars li").first).to_have_text("le plus proche\u00a0: mangue")
    expect(page.locator(".bars")).not_to_contain_text("%")
    explanation = page.get_by_text("La photo ne ressemble assez à aucune des 10\u00a0catégories.")
    expect(explanation).to_be_hidden()
    page.get_by_text("À quel point est-ce sûr\u202f?").click()
    expect(explanation).to_be_visible()


def test_without_javascript_the_server_rejects_a_photo_that_is_too_large(open_page: OpenPage, tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    path.write_bytes(bytes(30 * 2**20))
    page = open_page(java_script_enabled=False)
    send(page, path)
    expect(headline(page)).to_have_text("That is too much at once")


def test_a_photo_that_got_no_answer_is_sent_again_by_the_button(open_page: OpenPage, site: Site, photo: Path) -> None:
    site.classifier.outcomes = [Overloaded("Full."), answer({"kiwi": 0.9, "mango": 0.1})]
    page = open_page()
    send(page, photo, script=True)
    expect(headline(page)).to_have_text("Too many photos at the moment")
    expect(page.locator("#result .file-name")).to_have_text("lunch.jpg")
    page.get_by_role("button", name="Predict").click()
    expect(headline(page)).to_have_text("Kiwi")


def test_without_a_photo_the_button_opens_the_file_dialog_and_the_answer_stays(
    open_page: OpenPage, site: Site, photo: Path
) -> None:
    site.classifier.outcomes = [answer({"kiwi": 0.9, "mango": 0.1}), answer({"mango": 0.9, "kiwi": 0.1})]
    page = open_page()
    send(page, photo, script=True)
    expect(headline(page)).to_have_text("Kiwi")
    with page.expect_file_chooser() as dialog:
        page.get_by_role("button", name="Predict").click()
    expect(headline(page)).to_have_text("Kiwi")
    dialog.value.set_files(photo)
    expect(headline(page)).to_have_text("Mango")


def test_a_second_click_replaces_the_first_request(open_page: OpenPage, site: Site) -> None:
    site.classifier.outcomes = [answer({"kiwi": 0.9, "mango": 0.1})]
    page = open_page()
    held: list[object] = []
    page.route("**/predict", lambda route: held.append(route) if not held else route.continue_())
    page.get_by_role("button", name="mango").click()
    expect(page.locator("#photo-form")).to_have_attribute("aria-busy", "true")
    expect(page.locator(".primary")).to_have_text("Looking at it…")
    with page.expect_event("requestfailed") as aborted:
        page.get_by_role("button", name="kiwi").click()
    assert aborted.value.failure == "net::ERR_ABORTED"
    expect(headline(page)).to_have_text("Kiwi")
    expect(page.locator("#photo-form")).to_have_attribute("aria-busy", "false")
    expect(page.locator(".primary")).to_have_text("Predict")


def test_the_language_follows_the_browser_until_the_visitor_chooses_one(open_page: OpenPage) -> None:
    page = open_page(locale="fr-FR")
    expect(page.get_by_role("button", name="Prédire")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "fr"
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("button", name="Predict")).to_be_visible()
    page.goto(page.url.split("?")[0])
    assert page.evaluate("document.documentElement.lang") == "en"
    expect(page.get_by_role("link", name="English")).to_have_attribute("aria-current", "true")


def test_the_page_can_be_used_with_the_keyboard_alone(open_page: OpenPage, site: Site) -> None:
    site.classifier.outcomes = [answer({"avocado": 0.9, "kiwi": 0.1})]
    page = open_page()
    stops = []
    for _ in range(8):
        page.keyboard.press("Tab")
        stops.append(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
    assert stops == ["Skip to the content", "Verger", "English", "Français", "photo", "Predict", "apple", "avocado"]
    page.keyboard.press("Enter")
    expect(headline(page)).to_have_text("Avocado")


def test_the_api_can_be_called_from_its_documentation(open_page: OpenPage, photo: Path) -> None:
    page = open_page(path="/docs")
    page.locator("#operations-classification-classify_api_v1_classify_post .opblock-summary").click()
    page.locator("input[type=file]").set_input_files(photo)
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table")).to_contain_text("RECOGNISED")
