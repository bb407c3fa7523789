import inspect
import re
import string
from collections.abc import Iterator
from typing import Any

import pytest

import engine.errors
import engine.model.tensors
from engine.errors import VergerError, VersionUnknown
from services.common import errors
from services.web import problems
from services.web.page.languages import choose_language, load_catalogs

CATALOGS = load_catalogs()
EN, FR = CATALOGS["en"], CATALOGS["fr"]


def texts_of(texts: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(texts, str):
        yield path, texts
        return
    for key, value in texts.items():
        yield from texts_of(value, f"{path}.{key}")


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def reasons() -> set[str]:
    modules = (engine.errors, errors, problems)
    classes = {kind for module in modules for _, kind in inspect.getmembers(module, inspect.isclass)}
    # Inference reports an unknown version as a refused version, never as the answer to a photo.
    found = {kind.reason for kind in classes - {VersionUnknown} if issubclass(kind, VergerError)}
    tensors = set(re.findall(r'"(TENSOR_[A-Z_]+)"', inspect.getsource(engine.model.tensors)))
    assert tensors
    return found | tensors


def test_the_languages_are_english_and_french() -> None:
    assert [(t.tag, t.name) for t in CATALOGS.values()] == [("en", "English"), ("fr", "Français")]


def test_all_languages_have_the_same_texts_and_placeholders() -> None:
    english, french = dict(texts_of(EN.texts)), dict(texts_of(FR.texts))
    assert english.keys() == french.keys()
    for key, text in english.items():
        assert placeholders(text) == placeholders(french[key]), key


@pytest.mark.parametrize("tag", CATALOGS)
def test_every_reason_has_texts_in_every_language(tag: str) -> None:
    texts = CATALOGS[tag].texts["errors"]
    assert reasons() <= texts.keys()
    assert all(error["title"] and error["text"].endswith(".") for error in texts.values())


def test_french_puts_the_right_spaces_around_its_punctuation() -> None:
    for key, text in texts_of(FR.texts):
        assert all(before == "\u202f" for before in re.findall("(.)[;?!%]", text)), key
        assert all(before == "\u00a0" for before in re.findall("(.)[:»]", text)), key
        assert all(after == "\u00a0" for after in re.findall("«(.)", text)), key
        assert not re.search('["“”]', text), key


def test_no_language_uses_straight_apostrophes() -> None:
    for t in CATALOGS.values():
        assert [key for key, text in texts_of(t.texts) if "'" in text] == []


@pytest.mark.parametrize(
    ("requested", "remembered", "accepted", "tag"),
    [
        (None, None, "", "en"),
        (None, None, "fr", "fr"),
        (None, None, "fr-CA,en;q=0.8", "fr"),
        (None, None, "de-DE,de;q=0.9,fr;q=0.5,en;q=0.4", "fr"),
        (None, None, "en;q=0.4, FR;q=0.5", "fr"),
        (None, None, "fr;q=0, de", "en"),
        (None, None, "fr;q=invalid", "en"),
        (None, None, "*", "en"),
        (None, "fr", "en", "fr"),
        ("en", "fr", "fr", "en"),
        ("tlh", "fr", "en", "fr"),
        ("../en", None, "fr", "fr"),
    ],
)
def test_the_language_is_requested_else_remembered_else_accepted(
    requested: str | None, remembered: str | None, accepted: str, tag: str
) -> None:
    assert choose_language(CATALOGS, requested, remembered, accepted) == tag


@pytest.mark.parametrize(
    ("share", "english", "french"),
    [
        (1.0, "100%", "100\u202f%"),
        (0.9996, ">99%", ">\u202f99\u202f%"),
        (0.994, "99%", "99\u202f%"),
        (0.416, "42%", "42\u202f%"),
        (0.004, "<1%", "<\u202f1\u202f%"),
        (0.0, "<1%", "<\u202f1\u202f%"),
    ],
)
def test_only_a_probability_of_one_is_shown_as_100_percent(share: float, english: str, french: str) -> None:
    assert EN.percent(share) == english
    assert FR.percent(share) == french


def test_numbers_and_units_are_written_as_the_language_does() -> None:
    assert EN.duration(34.4) == "34\u00a0ms"
    assert FR.duration(1240) == "1,2\u00a0s"
    assert EN.megabytes(20 * 2**20) == "20\u00a0MB"
    assert FR.megabytes(3 * 2**19) == "1,5\u00a0Mo"


def test_an_unknown_key_raises() -> None:
    with pytest.raises(KeyError):
        EN("page.nothing")
