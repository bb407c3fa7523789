"""Training in a container, from photographs to the version that the page shows."""

import json
import re
import shutil
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.support.pictures.fruits import copy_few_fruits
from tests.support.systems.composed import Composed
from tests.support.waiting import wait_until

COLLECTION = (
    "docker compose run --rm -e VERGER_KEY -v ~/pictures/fruits:/data:ro collection import /data",
    "docker compose run --rm -e VERGER_KEY collection dataset make",
    "docker compose run --rm trainer train --data collection:fruit-classifier@latest",
)
COMMANDS = ("docker compose run --rm trainer list", "docker compose run --rm trainer promote 1")


@pytest.fixture(scope="module")
def few_fruits(photo_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("few")
    folder.chmod(0o755)  # because the trainer runs as another user
    return copy_few_fruits(photo_data, folder, train=8, test=3)


def promoters(verger: Composed) -> set[str]:
    """Who has promoted versions, as the audit has it."""
    lines = verger.compose("run", "--rm", "access", "log", "--json").splitlines()
    return {entry["who"] for entry in map(json.loads, lines) if entry["action"] == "version promoted"}


def test_a_model_of_another_name_starts_without_a_version_and_its_first_one_goes_live(
    verger: Composed, browser: Browser, few_fruits: Path
) -> None:
    own = {"VERGER_MODEL_NAME": "market"}
    absence = (
        "No version of market is live yet. "
        "Train one: VERGER_TRAINING_DATA=DIR docker compose run --rm trainer train --data /data"
    )
    try:
        verger.compose("up", "--detach", "--wait", **own)  # ends well
        status = verger.run("./launch.sh", "--docker", "--status", **own)
        assert status.returncode == 0, status.stdout + status.stderr
        assert status.stdout.endswith(f"Everything is healthy.\n{absence}\n")
        answer = httpx.get(f"{verger.web}/readyz", timeout=60)
        assert (answer.status_code, answer.json()["reason"]) == (503, "NO_VERSION_YET")
        page = httpx.get(verger.web, timeout=60).text
        assert all(part in page for part in absence.split(". "))

        trained = verger.run("./launch.sh", "--docker", "--train", str(few_fruits), "--epochs", "1", **own)
        assert trained.returncode == 0, trained.stdout + trained.stderr
        assert "Version 1 is champion." in trained.stdout
        wait_until(lambda: verger.version() == "1", 60, "the first version going live")

        printed = absence.partition("Train one: ")[2].replace("DIR", str(few_fruits))
        for command in (*COMMANDS, f"{printed} --help"):
            done = verger.run("bash", "-c", command, VERGER_OPERATOR="anna", **own)
            assert done.returncode == 0, done.stdout + done.stderr
            assert "--help" in command or "Registry: market in MLflow at http://mlflow:5000" in done.stderr
        wait_until(lambda: "anna" in promoters(verger), 60, "the audit of the promotion")
        with browser.new_context(locale="en-GB") as context:
            page = context.new_page()
            page.goto(verger.web)
            expect(page.locator("footer")).to_contain_text(re.compile(r"market, version 1\b"))
            page.get_by_role("button", name="banana").click()
            expect(page.locator("#result h2")).not_to_be_empty(timeout=30_000)
    finally:
        verger.compose("up", "--detach", "--wait")  # the other tests need the released model
        verger.wait_ready()


def test_a_dataset_version_of_the_collection_is_trained_on(verger: Composed, few_fruits: Path, tmp_path: Path) -> None:
    """It lacks a class, so that its version does not take the place of the champion."""
    tmp_path.chmod(0o755)
    shutil.copytree(few_fruits, tmp_path / "fruits", ignore=shutil.ignore_patterns("cherry"))
    (tmp_path / "fruits").chmod(0o755)
    said = []
    for command, more in zip(COLLECTION, ("", "", " --epochs 1"), strict=True):
        done = verger.run("bash", "-c", command.replace("~/pictures", str(tmp_path)) + more)
        assert done.returncode == 0, done.stdout + done.stderr
        said.append(done.stdout)
    assert f"{9 * 11} photos are new" in said[0]
    assert said[1].startswith("collection:fruit-classifier@1 ")
    assert re.search(r"Version \d+ is challenger\.", said[2])
