"""The audit in a real SQLite database: what is in it, who can change it, and how it is shown."""

import json
import os
import pwd
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import IntegrityError
from structlog.testing import capture_logs

from engine.errors import VergerError
from services.access import gate as timing
from services.access.__main__ import main
from services.access.database import open_database
from services.access.gate import Gate
from services.access.keys import Kind, Scope, new_secret
from services.access.store import KeyStore
from tests.support.waiting import eventually

CLASSIFY = frozenset({Scope.CLASSIFY})
USER = pwd.getpwuid(os.getuid()).pw_name
OLD_ENTRY = """(at, who, place, action, subject, result, details)
VALUES ('2020-01-02 03:04:05', :who, 'web on here', 'key refused', 'train', 'SCOPE_MISSING', '{}')"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VERGER_HOME", str(tmp_path))
    return tmp_path / "access" / "access.db"


@pytest.fixture
def store(file: Path) -> Iterator[KeyStore]:
    store = KeyStore(open_database(f"sqlite:///{file}"), "web")
    store.load()
    yield store
    store.close()


@pytest.fixture
def database(store: KeyStore, file: Path) -> Iterator[Engine]:
    """The file without Verger's code."""
    engine = create_engine(f"sqlite:///{file}")
    yield engine
    engine.dispose()


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 0
    return capsys.readouterr().out


def shown(capsys: pytest.CaptureFixture[str], *options: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run(capsys, "log", "--json", *options).splitlines()]


def test_what_a_command_does_is_in_it_with_its_operator_and_without_a_secret(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = run(capsys, "make", "--name", "shop", "--owner", "anna", "--scope", "classify", "--expires-in", "never")
    old = first.split("_")[1]
    second = run(capsys, "rotate", old, "--overlap", "2h")
    new = second.split("_")[1]
    run(capsys, "revoke", old)
    entries = shown(capsys)
    assert [(entry["action"], entry["subject"]) for entry in entries] == [
        ("key made", old),
        ("key rotated", old),
        ("key made", new),
        ("key revoked", old),
    ]
    assert {(entry["who"], entry["result"]) for entry in entries} == {(USER, "done")}
    assert entries[0]["details"] == {"name": "shop", "owner": "anna", "scopes": "classify", "expires": "never"}
    assert entries[1]["details"]["successor"] == new
    ages = [datetime.now(UTC) - datetime.fromisoformat(entry["at"]) for entry in entries]
    assert all(timedelta(seconds=-2) < age < timedelta(minutes=10) for age in ages)
    written = json.dumps(entries) + run(capsys, "log")
    assert not [key for key in (first, second) if key.split("_")[2].strip() in written]


def test_a_change_that_fails_is_not_in_it(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["revoke", "3f9a1c07b2de"]) == 1
    assert shown(capsys) == []


def test_it_is_shown_from_a_time_on_and_for_one_key(
    store: KeyStore, database: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    shop, market = (store.make(name, "anna", CLASSIFY, None).id for name in ("shop", "market"))
    with database.begin() as connection:
        connection.execute(text(f"INSERT INTO access_audit {OLD_ENTRY}"), {"who": f"key {shop}"})
    assert len(shown(capsys)) == 3
    assert [entry["subject"] for entry in shown(capsys, "--since", "7d")] == [shop, market]
    assert [entry["subject"] for entry in shown(capsys, "--key", shop)] == [shop, "train"]
    assert len(shown(capsys, "--key", shop, "--since", "7d")) == 1
    rows = run(capsys, "log", "--key", shop).splitlines()
    assert len(rows) == 3
    assert rows[2].startswith(f"2020-01-02 03:04:05  key {shop}")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE access_audit SET who = 'nobody'",
        "DELETE FROM access_audit",
        "REPLACE INTO access_audit SELECT id, at, 'nobody', place, action, subject, result, details, revision "
        "FROM access_audit",
    ],
    ids=["update", "delete", "replace"],
)
def test_nothing_in_it_can_be_changed_or_deleted(store: KeyStore, database: Engine, statement: str) -> None:
    store.make("shop", "anna", CLASSIFY, None)
    before = list(store.audit())
    with pytest.raises(IntegrityError, match="neither changed nor deleted"), database.begin() as connection:
        connection.execute(text(statement))
    assert list(store.audit()) == before != []


async def refuse(gate: Gate, key: str, scope: Scope = Scope.CLASSIFY, times: int = 1) -> None:
    for _ in range(times):
        with suppress(VergerError):
            await gate.admit([f"Bearer {key}"], scope)


async def test_refused_keys_are_in_it_once_with_their_number(store: KeyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "RECORD_SECONDS", 3600.0)
    monkeypatch.setattr(timing, "MIN_PAUSE_SECONDS", 0.0)
    good = store.make("shop", "anna", CLASSIFY, None)
    ended = store.make("market", "anna", CLASSIFY, None)
    store.revoke(ended.id)
    with capture_logs() as lines:
        async with Gate(store) as gate:
            await refuse(gate, new_secret().text, times=20)
            await refuse(gate, good.text, Scope.PROMOTE, times=30)
            await refuse(gate, ended.text)
            await refuse(gate, good.text)  # is admitted
            await refuse(gate, "")  # no key at all
    refused = [entry for entry in store.audit() if entry.action == "key refused"]
    assert {(entry.who, entry.subject, entry.result, entry.details["calls"]) for entry in refused} == {
        ("unknown", "classify", "KEY_UNKNOWN", 20),
        (f"key {good.id}", "promote", "SCOPE_MISSING", 30),
        (f"key {ended.id}", "classify", "KEY_REVOKED", 1),
    }
    assert len(refused) == 3
    assert all(entry.place.startswith("web on ") for entry in refused)
    logged = [line for line in lines if line["event"] == "audit"]
    assert {line["result"] for line in logged} == {"KEY_UNKNOWN", "SCOPE_MISSING", "KEY_REVOKED"}
    json.dumps(logged)


async def test_a_change_is_a_line_in_the_log_of_every_service_that_follows_the_keys(store: KeyStore) -> None:
    store.make("before", "anna", CLASSIFY, None)
    with capture_logs() as lines:
        async with Gate(store) as gate:
            await refuse(gate, new_secret().text)  # waits for the first answer of the database
            made = store.make("shop", "anna", CLASSIFY, None)
            store.make("web on here", "verger", CLASSIFY, timedelta(hours=1), Kind.SERVICE)

            async def is_logged() -> bool:
                return any(line["event"] == "audit" and line["subject"] == made.id for line in lines)

            await eventually(is_logged, "the line")
    changes = [line for line in lines if line["event"] == "audit" and line["result"] == "done"]
    assert [(line["action"], line["subject"], line["who"]) for line in changes] == [("key made", made.id, USER)]
    json.dumps(changes)
