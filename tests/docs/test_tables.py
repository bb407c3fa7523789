"""Tables that repeat what the code says: reasons of errors, and settings with their defaults."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bulk.config import BulkSettings
from engine.errors import VergerError
from services.collection import errors as collection_errors
from services.collection.config import CollectionSettings
from services.common import errors
from services.common.oip import errors as oip_errors
from services.inference.config import InferenceSettings
from services.preprocess.config import PreprocessSettings
from services.web import problems
from services.web.config import WebSettings
from tests.support.repository import ROOT
from trainer.config import TrainerSettings

NOT_ANSWERED = {"INVALID_ARGUMENT", "UNAUTHENTICATED", "FAILED_PRECONDITION", "MODEL_CORRUPT", "VERSION_UNKNOWN"}
"""Reasons of base classes, and of versions that are refused."""


def rows(page: str, first_cell: str) -> Iterator[list[str]]:
    """The cells of rows whose first one matches, without backticks."""
    for line in (ROOT / "docs" / page).read_text(encoding="utf-8").splitlines():
        if re.match(rf"\| {first_cell}", line):
            yield [cell.strip() for cell in line.replace("`", "").strip("| ").split(" |")]


def kinds_of(kind: type[VergerError]) -> Iterator[type[VergerError]]:
    yield kind
    for special in kind.__subclasses__():
        yield from kinds_of(special)


@pytest.mark.parametrize("page", ["api.md", "api.fr.md"])
def test_every_reason_is_in_the_table_with_its_status_and_code(page: str) -> None:
    rooms = ("engine.errors", errors.__name__, problems.__name__, collection_errors.__name__, oip_errors.__name__)
    expected = {}
    for kind in kinds_of(VergerError):
        answered = kind.__module__ in rooms and kind.reason not in NOT_ANSWERED
        if answered and kind.__init__ is VergerError.__init__:
            code = "" if kind.__module__ == problems.__name__ else kind.code
            expected[kind.reason] = [str(problems.status_of(kind("x"))), code]
    assert {row[0]: row[1:3] for row in rows(page, r"`[A-Z]+(_[A-Z]+)*` \| \d{3}")} == expected


def defaults() -> dict[str, Any]:
    """Of the settings that have a plain one; empty where it depends on the machine. launch.sh sets some of its own."""
    programs = (InferenceSettings, PreprocessSettings, CollectionSettings, WebSettings, TrainerSettings, BulkSettings)
    fields = {
        f"VERGER_{name.upper()}": "" if field.default is None or field.default_factory else str(field.default)
        for program in programs
        for name, field in program.model_fields.items()
        if field.default_factory or isinstance(field.default, (int, float, str, type(None)))
    }
    launch = (ROOT / "launch.sh").read_text(encoding="utf-8")
    of_launch = {"VERGER_HOME": ".verger", "VERGER_TLS_FOLDER": "", "VERGER_TLS_NAMES": ""}
    return fields | dict(re.findall(r"\$\{(VERGER_\w+):-([\w.]+)}", launch)) | of_launch


@pytest.mark.parametrize(
    ("page", "settings"), [("operating.md", 15), ("operating.fr.md", 15), ("bulk.md", 4), ("bulk.fr.md", 4)]
)
def test_settings_have_the_defaults_of_the_code(page: str, settings: int) -> None:
    told = {}
    for names, values, _ in rows(page, "`VERGER_"):
        pairs = names.split(", "), values.split(", ") * (names.count(", ") + 1 if not values else 1)
        told |= dict(zip(*pairs, strict=True))
    known = defaults()
    assert len(told) > settings
    assert told == {name: known.get(name) for name in told}


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_settings_that_are_named_exist(page: Path) -> None:
    files = ("launch.sh", ".env.example", "docker-compose.yml", "client/verger_client/__main__.py")
    shell = "".join((ROOT / name).read_text() for name in files)
    named = set(re.findall(r"VERGER_[A-Z_]+[A-Z]", page.read_text(encoding="utf-8")))
    assert {name for name in named if name not in defaults() and name not in shell} == set()
