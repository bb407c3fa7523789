"""python -m services.access on a real SQLite database."""

import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from services.access.__main__ import main
from services.access.database import open_database
from services.access.keys import Scope, looks_secret
from services.access.store import KeyStore
from services.common import database

MAKE = ("make", "--name", "shop", "--owner", "anna", "--scope", "classify", "--scope", "feedback")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VERGER_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "access" / "access.db"


class Ran:
    """What a command has written."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *arguments: str) -> None:
        self.status = main(arguments)
        self.out, self.err = capsys.readouterr()


def made(capsys: pytest.CaptureFixture[str], *more: str) -> str:
    ran = Ran(capsys, *MAKE, *more)
    assert ran.status == 0
    return ran.out.strip()


def rows(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return Ran(capsys, "list").out.splitlines()[1:]


def test_a_new_key_is_alone_on_stdout_and_its_secret_nowhere_else(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = Ran(capsys, *MAKE)
    key = ran.out.strip()
    assert looks_secret(key)
    assert key not in ran.err
    secret = key.split("_")[2]
    assert secret.encode() not in file.read_bytes()
    assert bytes.fromhex(secret) not in file.read_bytes()
    assert secret not in "".join(rows(capsys))


def test_the_database_is_for_its_owner_alone(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made(capsys)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_the_list_says_what_a_key_is(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = made(capsys, "--expires-in", "90d")
    (row,) = rows(capsys)
    assert re.fullmatch(
        rf"{key.split('_')[1]} +shop +anna +live +\d{{4}}-\d\d-\d\d \d\d:\d\d +never +classify feedback", row
    )


def test_a_rotated_key_has_a_successor_and_ends_after_the_overlap(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = made(capsys, "--expires-in", "never").split("_")[1]
    ran = Ran(capsys, "rotate", old, "--overlap", "2h")
    assert looks_secret(ran.out.strip())
    by_id = {row[:12]: row for row in rows(capsys)}
    assert re.search(r"live +\d{4}-", by_id[old])
    assert re.search(r"shop +anna +live +never +never +classify feedback", by_id[ran.out.split("_")[1]])


def test_a_revoked_key_stays_in_the_list(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    identity = made(capsys).split("_")[1]
    assert Ran(capsys, "revoke", identity).status == 0
    (row,) = rows(capsys)
    assert "revoked" in row
    again = Ran(capsys, "revoke", identity)
    assert again.status == 1
    assert "no live key" in again.err


def test_a_live_key_has_its_name_alone(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    identity = made(capsys).split("_")[1]
    refused = Ran(capsys, *MAKE)
    assert refused.status == 1
    assert "rotate" in refused.err
    Ran(capsys, "revoke", identity)
    made(capsys)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("make",),
        ("make", "--name", "a\nb", "--owner", "anna", "--scope", "classify"),
        ("make", "--name", "shop", "--owner", "anna", "--scope", "everything"),
        (*MAKE, "--expires-in", "0d"),
        (*MAKE, "--expires-in", "99999d"),
        ("rotate", "3f9a00000000", "--overlap", "never"),
    ],
)
def test_what_is_not_understood_ends_with_2(
    file: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert not file.exists()


def test_a_whole_key_as_an_argument_is_refused_and_not_repeated(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = made(capsys)
    for command in ("revoke", "rotate"):
        with pytest.raises(SystemExit):
            main([command, key])
        written = "".join(capsys.readouterr())
        assert "id alone" in written
        assert key.split("_")[2] not in written


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("mysql://root:hush@localhost/verger", "must be sqlite"),
        ("hush", "no address"),
        ("sqlite://", "must be sqlite"),
        ("sqlite:////proc/hush/access.db", "can't be opened"),
    ],
)
def test_an_unusable_database_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], address: str, says: str
) -> None:
    monkeypatch.setenv("VERGER_ACCESS_DATABASE_URL", address)
    ran = Ran(capsys, "list")
    assert ran.status == 1
    assert says in ran.err
    assert "root:hush" not in ran.err


def test_a_damaged_database_is_no_crash(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made(capsys)
    file.write_bytes(b"not a database" * 1000)
    ran = Ran(capsys, "list")
    assert ran.status == 1
    assert "does not answer" in ran.err


def test_a_database_of_a_newer_verger_is_left_alone(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made(capsys)
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE access_migrations SET version_num = '9999'"))
    engine.dispose()
    ran = Ran(capsys, "list")
    assert ran.status == 1
    assert "newer Verger" in ran.err


def test_of_several_processes_that_start_at_once_one_makes_the_tables(file: Path) -> None:
    def start(number: int) -> str:
        store = KeyStore(open_database(f"sqlite:///{file}"))
        secret = store.make(f"key {number}", "anna", frozenset({Scope.CLASSIFY}), None)
        store.close()
        return secret.id

    with ThreadPoolExecutor() as threads:
        made = set(threads.map(start, range(4)))
    store = KeyStore(open_database(f"sqlite:///{file}"))
    assert set(store.load().keys or ()) == made


def test_a_start_waits_for_another_one_that_makes_the_tables(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "TIMEOUT_SECONDS", 0)
    other = open_database(f"sqlite:///{file}").connect()
    other.exec_driver_sql("BEGIN IMMEDIATE")
    with ThreadPoolExecutor() as threads:
        starting = threads.submit(KeyStore(open_database(f"sqlite:///{file}")).load)
        with pytest.raises(TimeoutError):
            starting.result(timeout=1)
        other.close()
        assert starting.result(timeout=60).keys == {}


def test_the_first_key_is_made_once_and_kept_where_its_owner_alone_reads_it(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VERGER_BIND_ADDRESS", "0.0.0.0")
    monkeypatch.setenv("VERGER_PAGE_URL", "https://verger.example")
    kept = tmp_path / "admin.key"
    ran = Ran(capsys, "first", str(kept))
    assert re.fullmatch(r"https://verger\.example/sign-in#once_[\w-]{43}\n", ran.out)
    assert looks_secret(kept.read_text().strip())
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert kept.read_text().strip() not in ran.out + ran.err
    (row,) = rows(capsys)
    assert re.search(r"admin +admin +live +never +never +admin$", row)
    again = Ran(capsys, "first", str(kept))
    assert (again.status, again.out) == (0, "")
    assert len(rows(capsys)) == 1


def test_no_first_key_is_made_where_nobody_is_asked_for_one(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VERGER_ACCESS", "open")
    assert Ran(capsys, "first", str(tmp_path / "admin.key")).out == ""
    assert rows(capsys) == []


def test_a_link_is_for_the_key_of_an_admin_or_for_the_one_that_is_named(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = made(capsys).split("_")[1]
    refused = Ran(capsys, "link")
    assert (refused.status, refused.out) == (1, "")
    assert "scope admin" in refused.err
    boss = Ran(capsys, "make", "--name", "boss", "--owner", "anna", "--scope", "admin").out.split("_")[1]
    for arguments in (("link",), ("link", shop)):
        assert Ran(capsys, *arguments).out.startswith("http://localhost:8000/sign-in#once_")
    store = KeyStore(open_database(f"sqlite:///{file}"))
    assert [entry.subject for entry in store.audit() if entry.action == "sign-in link made"] == [boss, shop]
