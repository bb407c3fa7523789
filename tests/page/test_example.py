"""examples/browser.html, from an origin of its own."""

import functools
import http.server
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from verger.v1 import classifier_pb2

from tests.support.background import in_background
from tests.support.page.scripted_classifier import BANANA, ScriptedClassifier, answer, scripted_server, web_server
from tests.support.pictures.photos import encoded, scene
from tests.support.repository import ROOT

UNSURE = answer({"apple": 0.41, "mango": 0.37}, classifier_pb2.VERDICT_UNSURE)
OUT_OF_SCOPE = answer({"mango": 0.4}, classifier_pb2.VERDICT_OUT_OF_SCOPE)


@pytest.fixture
def origin() -> Iterator[str]:
    """Serves the folder of the examples."""
    files = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(ROOT / "examples"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), files) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def page(browser: Browser, origin: str) -> Iterator[Page]:
    @asynccontextmanager
    async def serving() -> AsyncIterator[str]:
        classifier = ScriptedClassifier()
        classifier.outcomes = [BANANA, UNSURE, OUT_OF_SCOPE]
        async with scripted_server(classifier) as port, web_server(port, cors_origins=origin) as address:
            yield address

    with in_background(serving()) as verger, browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{origin}/browser.html?verger={verger}")
        yield page


def test_the_example_page_shows_every_verdict_and_what_to_do_about_an_error(page: Page, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(encoded(scene()))
    (tmp_path / "list.jpg").write_text("apples, pears")
    for name, said in (
        ("photo.jpg", "banana, 96 % sure"),
        ("photo.jpg", "Either apple or mango"),
        ("photo.jpg", "Nothing that the model knows"),
        ("list.jpg", "JPEG"),
    ):
        page.set_input_files("input", [])
        page.set_input_files("input", tmp_path / name)
        expect(page.get_by_role("status")).to_contain_text(said)
