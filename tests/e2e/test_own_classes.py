"""A model of other classes than the released one, from a folder to the page, without a change of code or settings."""

import json
import re
import shutil
from collections.abc import Iterator
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


@pytest.fixture(scope="module")
def version(verger: Launched, data: Path) -> Iterator[str]:
    """The live version with these classes. Afterwards, the previous version is live again."""
    verger.wait_ready()
    before = verger.version()
    trained = verger.launch("--train", str(data))
    assert trained.returncode == 0, trained.stdout + trained.stderr
    found = re.search(r"Version (\d+) is challenger\. .*It knows other classes", trained.stdout)
    assert found, trained.stdout
    promoted = verger.trainer("promote", found[1])
    assert promoted.returncode == 0, promoted.stdout + promoted.stderr
    wait_until(lambda: verger.version() == found[1], 10, "the new classes going live")
    yield found[1]
    back = verger.trainer("rollback")
    assert back.returncode == 0, back.stdout + back.stderr
    wait_until(lambda: verger.version() == before, 10, "the old classes being back")


def test_the_api_describes_the_new_classes(verger: Launched, version: str) -> None:
    model = httpx.get(f"{verger.web}/api/v1/model", timeout=15).json()
    assert model["version"] == version
    names = {item["label"]: item["display_names"] for item in model["classes"]}
    assert sorted(names) == sorted([*FRUITS, "grape"])
    assert {label: names[label] for label in NAMES} == NAMES
    assert names["watermelon"] == {"en": "watermelon", "fr": "pastèque"}


def test_the_api_classifies_photos_of_the_new_classes(verger: Launched, version: str, data: Path) -> None:
    photos = sorted((data / "test").rglob("*.*"))
    answers = {photo: verger.answer(photo.read_bytes())["predictions"] for photo in photos}
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
    verger: Launched, version: str, data: Path, language: str, listed: str, name: str
) -> None:
    headers = {"Accept-Language": language}
    assert listed in httpx.get(verger.web, headers=headers, timeout=15).text
    photos = sorted((data / "test" / "grape").iterdir())
    photo = next(p for p in photos if verger.answer(p.read_bytes())["predictions"][0]["label"] == "grape")
    page = httpx.post(f"{verger.web}/predict", files={"file": photo.read_bytes()}, headers=headers, timeout=15).text
    (headline,) = re.findall(r'<h2 id="answer"[^>]*>([^<]+)</h2>', page)
    assert name in headline.lower()
