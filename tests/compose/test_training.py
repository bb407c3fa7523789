"""Training in a container, from photographs to the version that the page shows."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.pictures.fruits import copy_few_fruits
from tests.support.systems.composed import Composed
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def few_fruits(photo_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("few")
    folder.chmod(0o755)  # because the trainer runs as another user
    return copy_few_fruits(photo_data, folder, train=8, test=3)


def test_the_page_shows_a_version_trained_in_a_container(verger: Composed, browser: Browser, few_fruits: Path) -> None:
    before = verger.version()
    trained = verger.launch("--train", str(few_fruits), "--epochs", "1")
    assert trained.returncode == 0, trained.stdout + trained.stderr
    new = str(int(before) + 1)
    verger.compose("run", "--rm", "trainer", "promote", new, VERGER_TRAINING_DATA=str(few_fruits))
    wait_until(lambda: verger.version() == new, 60, "the new version going live")
    with browser.new_context(locale="en-GB") as context:
        page = context.new_page()
        page.goto(verger.web)
        expect(page.locator("footer")).to_contain_text(re.compile(rf"version {new}\b"))
        page.get_by_role("button", name="banana").click()
        expect(page.locator("#result h2")).not_to_be_empty(timeout=30_000)
    verger.compose("run", "--rm", "trainer", "rollback", VERGER_TRAINING_DATA=str(few_fruits))
    wait_until(lambda: verger.version() == before, 60, "the old version being back")
