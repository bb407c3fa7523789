"""What a key is, and whom it admits."""

from datetime import UTC, datetime, timedelta

import pytest

from engine.errors import VergerError
from services.access.config import AccessSettings
from services.access.keys import Key, Scope, check, digest_of, find, is_label, looks_secret, new_secret, presented
from services.common.errors import KeyMissing, KeyUnknown, ScopeMissing
from tests.support.imports import imported_with

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
SECRET = new_secret()


def key(**changes: object) -> Key:
    facts: dict[str, object] = {
        "id": SECRET.id,
        "digest": digest_of(SECRET.text),
        "name": "shop",
        "owner": "anna",
        "scopes": frozenset({Scope.CLASSIFY}),
        "created_at": NOW - timedelta(days=1),
    }
    return Key(**facts | changes)  # type: ignore[arg-type]


def test_the_core_needs_no_database_and_no_protocol() -> None:
    assert not imported_with("services.access.keys") & {"sqlalchemy", "alembic", "grpc", "starlette"}


def test_two_new_keys_share_nothing_but_their_form() -> None:
    one, other = new_secret(), new_secret()
    assert looks_secret(one.text)
    assert one.id != other.id
    assert one.text.split("_")[2] != other.text.split("_")[2]
    assert len(bytes.fromhex(one.text.split("_")[2])) == 32


def test_a_new_key_is_not_shown_where_it_is_printed_by_accident() -> None:
    assert SECRET.text not in f"{SECRET} {SECRET!r} {[SECRET]}"


def test_a_key_is_found_by_its_whole_text_alone() -> None:
    keys = {SECRET.id: key()}
    assert find(SECRET.text, keys) == keys[SECRET.id]
    wrong = SECRET.text[:-1] + ("0" if SECRET.text[-1] != "0" else "1")
    for text in ("", SECRET.id, wrong, new_secret().text, SECRET.text + "0", SECRET.text.upper(), "é" * 84, "\0"):
        assert find(text, keys) is None


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_key_is_taken_from_the_header(scheme: str) -> None:
    assert presented([f"{scheme} {SECRET.text}"]) == SECRET.text


@pytest.mark.parametrize(
    "values",
    [[], [""], ["Bearer"], ["Bearer "], [SECRET.text], ["Basic dmVyZ2Vy"], ["Bearer a", "Bearer b"]],
    ids=["none", "empty", "no key", "blank", "no scheme", "other scheme", "two"],
)
def test_anything_else_in_the_header_is_no_key(values: list[str]) -> None:
    with pytest.raises(KeyMissing):
        presented(values)


def test_a_valid_key_with_the_scope_is_admitted() -> None:
    assert check(key(expires_at=NOW + timedelta(seconds=1)), Scope.CLASSIFY, NOW) == key(
        expires_at=NOW + timedelta(seconds=1)
    )


def test_an_admin_may_do_everything() -> None:
    for scope in Scope:
        check(key(scopes=frozenset({Scope.ADMIN})), scope, NOW)


@pytest.mark.parametrize("scope", [scope for scope in Scope if scope is not Scope.CLASSIFY])
def test_a_key_without_the_scope_is_refused_and_told_which_one_is_needed(scope: Scope) -> None:
    with pytest.raises(ScopeMissing) as refused:
        check(key(), scope, NOW)
    assert refused.value.metadata == {"scope": scope}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"expires_at": NOW}, "KEY_EXPIRED"),
        ({"revoked_at": NOW}, "KEY_REVOKED"),
        ({"expires_at": NOW, "revoked_at": NOW, "scopes": frozenset()}, "KEY_REVOKED"),
    ],
)
def test_a_key_ends_at_its_moment(changes: dict[str, object], reason: str) -> None:
    check(key(**changes | {"scopes": frozenset({Scope.CLASSIFY})}), Scope.CLASSIFY, NOW - timedelta(seconds=1))
    with pytest.raises(VergerError) as refused:
        check(key(**changes), Scope.CLASSIFY, NOW)
    assert refused.value.reason == reason


def test_no_key_is_refused() -> None:
    with pytest.raises(KeyUnknown):
        check(None, Scope.CLASSIFY, NOW)


def test_names_fit_on_one_line() -> None:
    assert is_label("Café de la gare")
    for text in ("", " ", "a\nb", "\x1b[31m", "x" * 101, " a"):
        assert not is_label(text)


@pytest.mark.parametrize(
    ("address", "access", "asks"),
    [
        *((local, None, False) for local in ("127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost")),
        *((public, None, True) for public in ("0.0.0.0", "::", "[::]", "192.0.2.1", "verger.example")),
        ("127.0.0.1", "keys", True),
        ("0.0.0.0", "open", False),
    ],
)
def test_keys_are_asked_for_where_other_machines_may_call(address: str, access: str | None, asks: bool) -> None:
    assert AccessSettings(bind_address=address, access=access, _env_file=None).asks_for_keys is asks
