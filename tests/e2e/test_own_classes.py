"""A model of other classes than the released one, from a new system without any version to the page."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from tests.support.systems.launched import Launched
from tests.support.waiting import wait_until

FRUITS = ("banana", "cherry", "kiwi", "watermelon")
NAMES = {"cherry": {"en": "sweet cherry", "fr": "bigarreau"}, "grape": {"en": "grape", "fr": "raisin"}}
TRAIN, TEST = 24, 6


@pytest.fixture(scope="module")
def data(photo_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set with four of the ten fruits and a new one, and with display names."""
    folder = tmp_path_factory.mktemp("own")
    sources = {label: [photo_data / "fruits" / part / label for part in ("train", "test")] for label in FRUITS}
    sources["grape"] = [photo_data / "negatives" / part for part in ("train", "test")]
    for label, homes in sources.items():
        pattern = "other_grapes_*" if label == "grape" else "*"
        for part, home, count in zip(("train", "test"), homes, (TRAIN, TEST), strict=True):
            target = folder / part / label
            target.mkdir(parents=True)
            for picture in sorted(home.glob(pattern))[:count]:
                shutil.copy(picture, target)
    (folder / "classes.json").write_text(json.dumps(NAMES))
    return folder


ABSENCE = "No version of market is live yet. Train one: ./launch.sh --train DIR"


class Market(Launched):
    """A new system for a model of its own name. started: what its start said."""

    started: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def market(verger: Launched, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """Shares the environments of the launched system, to save the minutes of their set-up."""
    home = tmp_path_factory.mktemp("market")
    (home / "env").symlink_to(verger.home / "env")
    system = Market(home, settings={"VERGER_MODEL_NAME": "market"})
    system.started = system.launch("--detach")
    yield system
    system.launch("--stop")


@pytest.fixture(scope="module")
def version(market: Market, data: Path) -> str:
    """The first version, which is live as soon as the training has ended."""
    trained = market.launch("--train", str(data))
    assert trained.returncode == 0, trained.stdout + trained.stderr
    assert "Version 1 is champion." in trained.stdout
    said = " ".join(trained.stderr.split())
    ((used, left_out),) = re.findall(r"version remembers: (\d+) for training .*?; (\d+) more may show one of", said)
    assert int(used) > 1500
    assert int(left_out) > 20  # the release has learned grapes as negatives
    wait_until(lambda: market.version() == "1", 60, "the first version going live")
    return "1"


def test_a_new_system_starts_well_without_a_version_and_says_how_to_train_one(market: Market) -> None:
    assert market.started.returncode == 0, market.started.stdout + market.started.stderr
    assert f"\n  {ABSENCE}\n" in market.started.stdout
    assert "Verger is ready" not in market.started.stdout
    assert "Registering the released model" not in market.started.stdout
    status = market.launch("--status")
    assert status.returncode == 0, status.stdout + status.stderr
    assert status.stdout.endswith(f"Everything is healthy.\n{ABSENCE}\n")
    answer = httpx.get(f"{market.web}/readyz", timeout=15)
    assert (answer.status_code, answer.json()["reason"]) == (503, "NO_VERSION_YET")
    assert datetime.fromisoformat(answer.json()["since"]) <= datetime.now(UTC)
    page = httpx.get(market.web, timeout=15).text
    assert "No version of market is live yet" in page
    assert "Train one: ./launch.sh --train DIR" in page


def test_the_first_version_goes_live_by_itself(market: Market, version: str) -> None:
    assert httpx.get(f"{market.web}/readyz", timeout=15).status_code == 200
    status = market.launch("--status")
    assert status.returncode == 0, status.stdout + status.stderr
    assert status.stdout.endswith("Everything is healthy.\n")


def test_the_api_describes_the_new_classes(market: Market, version: str) -> None:
    model = httpx.get(f"{market.web}/api/v1/model", timeout=15).json()
    assert model["version"] == version
    names = {item["label"]: item["display_names"] for item in model["classes"]}
    assert sorted(names) == sorted([*FRUITS, "grape"])
    assert {label: names[label] for label in NAMES} == NAMES
    assert names["watermelon"] == {"en": "watermelon", "fr": "pastèque"}


def test_the_api_classifies_photos_of_the_new_classes(market: Market, version: str, data: Path) -> None:
    photos = sorted((data / "test").rglob("*.*"))
    answers = {photo: market.answer(photo.read_bytes())["predictions"] for photo in photos}
    assert {len(predictions) for predictions in answers.values()} == {5}
    right = [photo for photo, predictions in answers.items() if predictions[0]["label"] == photo.parent.name]
    assert len(photos) == 5 * TEST
    assert len(right) >= 24


@pytest.mark.parametrize(
    ("language", "listed", "name"),
    [
        ("en", "5 kinds of things: banana, sweet cherry, grape,", "grape"),
        ("fr", "banane, bigarreau, raisin,", "raisin"),
    ],
)
def test_the_page_names_the_new_classes_in_both_languages(
    market: Market, version: str, data: Path, language: str, listed: str, name: str
) -> None:
    headers = {"Accept-Language": language}
    assert listed in httpx.get(market.web, headers=headers, timeout=15).text
    photos = sorted((data / "test" / "grape").iterdir())
    answers = [market.answer(photo.read_bytes()) for photo in photos]
    found = [(answer["verdict"] != "OUT_OF_SCOPE", answer["predictions"][0]["label"]) for answer in answers]
    photo = photos[found.index((True, "grape"))]
    page = httpx.post(f"{market.web}/predict", files={"file": photo.read_bytes()}, headers=headers, timeout=15).text
    (headline,) = re.findall(r'<h2 id="answer"[^>]*>([^<]+)</h2>', page)
    assert name in headline.lower()
