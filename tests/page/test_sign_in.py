"""Signing in, classifying and signing out in a real browser."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from services.access.database import open_database
from services.access.keys import Scope, Secret
from services.access.store import KeyStore
from tests.support.background import in_background
from tests.support.page.files import Given, drop
from tests.support.page.pages import OpenPage, Site, page_opener
from tests.support.page.scripted_classifier import ScriptedClassifier, scripted_server, web_server
from tests.support.waiting import wait_until

PHOTO = Given("a.png")
WCAG_AA = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@dataclass(frozen=True)
class Guarded:
    """A site that asks for keys, their database, and one key."""

    site: Site
    store: KeyStore
    key: Secret


@asynccontextmanager
async def _serving(folder: Path) -> AsyncIterator[Guarded]:
    classifier, address = ScriptedClassifier(), f"sqlite:///{folder / 'access.db'}"
    store = KeyStore(open_database(address))
    key = store.make("shop", "anna", frozenset({Scope.CLASSIFY}), None)
    async with (
        scripted_server(classifier) as port,
        web_server(port, access="keys", access_database_url=address) as web,
    ):
        yield Guarded(Site(web, classifier), store, key)
    store.close()


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    with in_background(_serving(tmp_path)) as running:
        yield running


@pytest.fixture
def open_page(browser: Browser, guarded: Guarded) -> Iterator[OpenPage]:
    with page_opener(browser, guarded.site) as open_page:
        yield open_page


def violations(page: Page) -> list[str]:
    return [violation["id"] for violation in Axe().run(page, options=WCAG_AA).response["violations"]]


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_visitor_signs_in_classifies_and_signs_out(
    open_page: OpenPage, guarded: Guarded, tmp_path: Path, scripts: bool
) -> None:
    page = open_page(java_script_enabled=scripts)
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("Your key").fill("verger_mine")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("This key is not known")
    page.get_by_label("Your key").fill(guarded.key.text)
    page.get_by_label("Your key").press("Enter")
    expect(page.locator(".visitor")).to_contain_text("Signed in as shop")

    photo = tmp_path / PHOTO.name
    photo.write_bytes(PHOTO.content)
    page.set_input_files("#photo", photo)
    if not scripts:
        page.get_by_role("button", name="Predict").click()
    expect(page.locator("#answer")).to_have_text("Banana")
    assert guarded.site.classifier.requests[-1].image == PHOTO.content
    page.get_by_role("button", name="mango").click()
    expect(page.locator(".frame img")).to_have_attribute("src", re.compile("samples/mango"))

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    expect(page.locator("#photo-form")).to_have_count(0)


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_link_signs_in_once_and_leaves_the_address(open_page: OpenPage, guarded: Guarded, scripts: bool) -> None:
    token = guarded.store.make_link(guarded.key.id)
    for first in (True, False):
        page = open_page(path=f"/sign-in#{token}", java_script_enabled=scripts)
        if not scripts:
            page.get_by_label("Your key").fill(token)
            page.get_by_label("Your key").press("Enter")
        if first:
            expect(page.locator(".visitor")).to_contain_text("Signed in as shop")
        else:
            expect(page.get_by_role("alert")).to_contain_text("This link no longer works")
        assert token not in page.url or not scripts
        page.context.clear_cookies()


def test_a_photo_stays_in_the_form_when_the_session_has_ended(open_page: OpenPage, guarded: Guarded) -> None:
    page = open_page(path="/sign-in")
    page.get_by_label("Your key").fill(guarded.key.text)
    page.get_by_label("Your key").press("Enter")
    expect(page.locator("#photo-form")).to_be_visible()
    guarded.store.revoke(guarded.key.id)
    wait_until(lambda: "photo-form" not in page.request.get(guarded.site.address).text(), what="the end of the key")
    drop(page, PHOTO)
    expect(page.locator("#result .error")).to_contain_text("This key was revoked")
    expect(page.locator("#result").get_by_role("link", name="Sign in")).to_be_visible()
    expect(page.locator("#photo-form .file-name")).to_have_text(PHOTO.name)


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize(("locale", "label"), [("en-GB", "Your key"), ("fr-FR", "Votre clé")])
def test_the_form_and_the_page_meet_the_accessibility_rules(
    open_page: OpenPage, guarded: Guarded, color_scheme: str, locale: str, label: str
) -> None:
    page = open_page("phone", color_scheme=color_scheme, locale=locale)
    assert violations(page) == []
    page.locator("a[href='/sign-in']").click()
    for key in ("verger_mine", guarded.key.text):
        field = page.get_by_label(label)
        expect(field).to_be_focused()
        field.fill(key)
        field.press("Enter")
        expect(page.locator(".problem, .visitor")).to_be_visible()
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("locale", "link", "label"), [("en-GB", "Audit", "Who"), ("fr-FR", "Journal d’audit", "Qui")])
def test_an_admin_searches_the_audit_without_javascript(
    open_page: OpenPage, guarded: Guarded, locale: str, link: str, label: str
) -> None:
    boss = guarded.store.make("boss", "anna", frozenset({Scope.ADMIN}), None)
    options = {"locale": locale, "java_script_enabled": False}
    page = open_page("phone", "/sign-in", **options)
    page.locator("#key").fill(boss.text)
    page.locator("#key").press("Enter")
    page.get_by_role("link", name=link, exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_label(label, exact=True).fill("nobody")
    page.get_by_label(label, exact=True).press("Enter")
    expect(page.locator("tbody tr")).to_have_count(0)


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_the_audit_meets_the_accessibility_rules(open_page: OpenPage, guarded: Guarded, color_scheme: str) -> None:
    boss = guarded.store.make("boss", "anna", frozenset({Scope.ADMIN}), None)
    page = open_page("phone", "/sign-in", color_scheme=color_scheme)
    page.locator("#key").fill(boss.text)
    page.locator("#key").press("Enter")
    page.locator("a[href='/audit']").click()
    page.locator("tbody").wait_for()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
