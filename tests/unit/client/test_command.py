"""What the command prints."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from verger_client import Answer, PhotoError, Prediction, Result, Verdict, __main__

BANANA = Answer(Verdict.RECOGNISED, (Prediction("banana", 0.99812), Prediction("kiwi", 0.001)), "fruits", "3", "id")
EITHER = Answer(Verdict.UNSURE, (Prediction("apple", 0.41), Prediction("mango", 0.37)), "fruits", "3", "id")
NOTHING = Answer(Verdict.OUT_OF_SCOPE, (Prediction("mango", 0.4),), "fruits", "3", "id")


def in_words(probability: float) -> str:
    return __main__._in_words(Answer(Verdict.RECOGNISED, (Prediction("kiwi", probability),), "fruits", "3", "id"))


class Scripted:
    """Stands in for the client."""

    made: ClassVar[dict[str, Any]] = {}

    def __init__(self, address: str, **options: Any) -> None:
        self.made.update(options, address=address)

    def __enter__(self) -> "Scripted":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def classify_many(self, files: list[str], **_: Any) -> Iterator[Result]:
        outcomes = (BANANA, EITHER, NOTHING)
        for file, outcome in zip(files, outcomes, strict=False):
            yield Result(file, outcome)
        yield from (Result(file, error=PhotoError("Damaged.", "IMAGE_CORRUPT")) for file in files[3:])


@pytest.fixture(autouse=True)
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(__main__, "Client", Scripted)
    monkeypatch.delenv("VERGER_KEY", raising=False)
    monkeypatch.delenv("VERGER_SERVER", raising=False)


def test_each_photo_gets_a_line_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["classify", "a.jpg", "b.jpg", "c.jpg"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "a.jpg: banana (99.8%)",
        "b.jpg: unsure: apple or mango",
        "c.jpg: none of the classes (closest: mango)",
    ]


def test_only_certainty_is_shown_as_100_percent(capsys: pytest.CaptureFixture[str]) -> None:
    assert in_words(0.99979) == "kiwi (99.9%)"
    assert in_words(1.0) == "kiwi (100.0%)"


def test_a_photo_without_an_answer_stands_on_stderr_and_in_the_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["classify", "a.jpg", "b.jpg", "c.jpg", "d.jpg"]) == 1
    assert capsys.readouterr().err == "d.jpg: Damaged.\n"


def test_json_has_the_names_of_the_rest_api(capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["classify", "--json", "a.jpg", "b.jpg", "c.jpg", "d.jpg"]) == 1
    first, *_, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == {
        "filename": "a.jpg",
        "verdict": "RECOGNISED",
        "label": "banana",
        "predictions": [{"label": "banana", "probability": 0.9981}, {"label": "kiwi", "probability": 0.001}],
        "model": {"name": "fruits", "version": "3"},
        "error": None,
    }
    assert (last["verdict"], last["error"]) == (None, {"reason": "IMAGE_CORRUPT", "detail": "Damaged."})


def test_a_key_comes_from_a_file_or_the_environment_and_never_from_the_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shop.key").write_text("vgr_file\n")
    monkeypatch.setenv("VERGER_KEY", "vgr_environment")
    __main__.main(["classify", "a.jpg"])
    assert Scripted.made["key"] == "vgr_environment"
    __main__.main(["classify", "--key-file", str(tmp_path / "shop.key"), "a.jpg"])
    assert Scripted.made["key"] == "vgr_file"
    with pytest.raises(SystemExit):
        __main__.main(["classify", "--key", "vgr_seen_by_all", "a.jpg"])


def test_the_server_may_stand_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    __main__.main(["classify", "a.jpg"])
    assert Scripted.made["address"] == "localhost:50051"
    monkeypatch.setenv("VERGER_SERVER", "https://fruits.example")
    __main__.main(["classify", "a.jpg"])
    assert Scripted.made["address"] == "https://fruits.example"


def test_a_missing_key_file_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["classify", "--key-file", "none.key", "a.jpg"]) == 2
    assert "none.key" in capsys.readouterr().err
