"""The programs below an answer, copied from a real browser and run as a visitor would."""

import base64
import json
import os
import shutil
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from services.access.database import open_database
from services.access.keys import Scope
from services.access.store import KeyStore
from tests.support.background import in_background
from tests.support.page.pages import OpenPage, Site, page_opener
from tests.support.page.scripted_classifier import ScriptedClassifier, scripted_server, web_server
from tests.support.pictures.photos import encoded, scene
from tests.support.repository import ROOT

NAME = "pique-nique d'été $(exit 1) & co.jpg"
"""A file name with what shells, Python and JavaScript read in ways of their own."""

RUNNERS = {
    "curl": ["bash", "-euo", "pipefail", "-c"],
    "grpcurl": ["bash", "-euo", "pipefail", "-c"],
    "Python": [sys.executable, "-c"],
    "JavaScript": ["node", "--input-type=module", "-e"],
}


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    file = tmp_path / NAME
    file.write_bytes(encoded(scene()))
    return file


def programs_below_the_answer(page: Page, photo: Path) -> dict[str, str]:
    page.set_input_files("#photo", photo)
    page.locator(".programs summary").click()
    names = page.locator(".programs h3").all_inner_texts()
    return dict(zip(names, page.locator(".programs code").all_text_contents(), strict=True))


def run(name: str, code: str, folder: Path, **variables: str) -> str:
    tools = folder / "bin"
    tools.mkdir(exist_ok=True)
    grpcurl = tools / "grpcurl"
    grpcurl.write_text('#!/bin/sh\necho "$@" >&2\ncat\n')  # the scripted classifier has no reflection
    grpcurl.chmod(0o755)
    environment = {"PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": f"{ROOT / 'client'}", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [*RUNNERS[name], code],
        cwd=folder,
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def runnable(name: str) -> bool:
    return shutil.which(RUNNERS[name][0]) is not None and (name != "curl" or shutil.which("curl") is not None)


def test_each_program_answers_as_the_page_does(open_page: OpenPage, photo: Path) -> None:
    programs = programs_below_the_answer(open_page(), photo)
    assert list(programs) == ["curl", "Python", "JavaScript", "grpcurl"]
    sent = json.loads(run("grpcurl", programs.pop("grpcurl"), photo.parent))
    assert base64.b64decode(sent["image"]) == photo.read_bytes()
    for name, code in programs.items():
        if runnable(name):
            assert "banana" in run(name, code, photo.parent), name


def test_programs_take_the_key_of_a_guarded_system_from_a_variable(
    browser: Browser, photo: Path, tmp_path: Path
) -> None:
    address = f"sqlite:///{tmp_path / 'access.db'}"
    store = KeyStore(open_database(address))
    key = store.make("shop", "anna", frozenset({Scope.CLASSIFY}), None).text

    @asynccontextmanager
    async def serving():  # type: ignore[no-untyped-def]
        classifier = ScriptedClassifier()
        async with (
            scripted_server(classifier) as port,
            web_server(port, access="keys", access_database_url=address) as web,
        ):
            yield Site(web, classifier)

    with in_background(serving()) as site, page_opener(browser, site) as open_page:
        page = open_page("desktop", "/sign-in")
        page.fill("[name=key]", key)
        page.click("main button")
        page.wait_for_url(f"{site.address}/")  # until the script of the page runs
        programs = programs_below_the_answer(page, photo)
        assert key not in "".join(programs.values())
        assert "authorization: Bearer ${VERGER_KEY}" in programs.pop("grpcurl")
        for name, code in programs.items():
            if runnable(name):
                assert "banana" in run(name, code, tmp_path, VERGER_KEY=key), name
    store.close()


def test_a_program_is_copied_with_one_click(open_page: OpenPage, photo: Path) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"], locale="fr-FR")
    programs = programs_below_the_answer(page, photo)
    button = page.locator(".programs section button").nth(1)
    expect(button).to_have_text("Copier")
    button.click()
    expect(button).to_have_text("Copié")
    assert page.evaluate("navigator.clipboard.readText()") == programs["Python"]
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_programs_are_there_without_javascript(browser: Browser, site: Site, photo: Path) -> None:
    with page_opener(browser, site) as open_page:
        page = open_page("phone", java_script_enabled=False)
        page.set_input_files("#photo", photo)
        page.click("#photo-form .primary")
        page.locator(".programs summary").click()
        expect(page.locator(".programs code").first).to_contain_text("--data-binary")
        expect(page.locator(".programs button")).to_have_count(4)
        expect(page.locator(".programs button").first).to_be_hidden()
