"""The gate in front of a real SQLite database, which changes and goes away."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from engine.errors import VergerError
from services.access import gate as timing
from services.access.database import open_database
from services.access.gate import Gate
from services.access.keys import Kind, Scope, new_secret
from services.access.own_key import OwnKey
from services.access.store import KeyStore
from tests.support.waiting import eventually

FOR_EVER = None
CLASSIFY = frozenset({Scope.CLASSIFY})


@dataclass
class Keys:
    """The database, as the command sees it, and a gate that follows it."""

    file: Path
    store: KeyStore
    gate: Gate
    loads: list[int | None] = field(default_factory=list)

    async def reason(self, text: str, scope: Scope = Scope.CLASSIFY) -> str:
        """Why a key is refused; an empty text if it is admitted."""
        try:
            await self.gate.admit([f"Bearer {text}"], scope)
        except VergerError as error:
            return error.reason
        return ""

    def take_away(self) -> None:
        self.file.rename(self.file.with_suffix(".away"))
        self.file.mkdir()  # which SQLite can't open

    def bring_back(self) -> None:
        self.file.rmdir()
        self.file.with_suffix(".away").rename(self.file)


@pytest.fixture
async def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Keys]:
    file = tmp_path / "access" / "access.db"
    store, seen = (KeyStore(open_database(f"sqlite:///{file}")) for _ in range(2))
    store.load()
    loads: list[int | None] = []
    load = seen.load

    def counted(known: int | None) -> object:
        loads.append(known)
        return load(known)

    monkeypatch.setattr(seen, "load", counted)
    async with Gate(seen) as gate:
        yield Keys(file, store, gate, loads)
    for each in (store, seen):
        each.close()


async def test_a_new_key_is_valid_at_once(keys: Keys) -> None:
    for _ in range(3):
        assert await keys.reason(keys.store.make("shop", "anna", CLASSIFY, FOR_EVER, Kind.SERVICE).text) == ""


async def test_a_revoked_key_is_refused_soon(keys: Keys) -> None:
    secret = keys.store.make("shop", "anna", CLASSIFY, FOR_EVER)
    assert await keys.reason(secret.text) == ""
    keys.store.revoke(secret.id)

    async def is_refused() -> bool:
        return await keys.reason(secret.text) == "KEY_REVOKED"

    await eventually(is_refused, "the refusal")


async def test_a_rotated_key_is_valid_until_the_overlap_ends(keys: Keys) -> None:
    old = keys.store.make("shop", "anna", CLASSIFY, timedelta(days=1))
    new = keys.store.rotate(old.id, timedelta(seconds=2))
    assert await keys.reason(new.text) == ""

    async def is_expired() -> bool:
        return await keys.reason(old.text) == "KEY_EXPIRED"

    await eventually(is_expired, "the end of the overlap")
    assert await keys.reason(new.text) == ""


async def test_a_scope_that_is_missing_is_refused(keys: Keys) -> None:
    secret = keys.store.make("shop", "anna", CLASSIFY, FOR_EVER)
    assert await keys.reason(secret.text, Scope.PROMOTE) == "SCOPE_MISSING"


async def test_many_wrong_keys_cost_the_database_a_few_questions(keys: Keys) -> None:
    secret = keys.store.make("shop", "anna", CLASSIFY, FOR_EVER)
    assert await keys.reason(secret.text) == ""
    before = len(keys.loads)
    wrong = asyncio.gather(*(keys.reason(new_secret().text) for _ in range(1000)))
    await asyncio.sleep(0)  # now all of them wait for the database
    assert await keys.reason(secret.text) == ""  # needs no database, so it does not wait for them
    assert not wrong.done()
    assert set(await wrong) == {"KEY_UNKNOWN"}
    assert len(keys.loads) - before < 50  # two, and one more for each second that the machine took


async def test_while_the_database_is_away_known_keys_may_classify_and_nothing_else(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = keys.store.make("boss", "anna", frozenset({Scope.ADMIN}), FOR_EVER)
    assert await keys.reason(secret.text, Scope.PROMOTE) == ""
    monkeypatch.setattr(timing, "MAX_AGE_SECONDS", 0.0)  # as if it had been away for a while
    keys.take_away()
    assert await keys.reason(secret.text) == ""
    assert await keys.reason(secret.text, Scope.PROMOTE) == "ACCESS_UNAVAILABLE"
    assert await keys.reason(new_secret().text) == "ACCESS_UNAVAILABLE"
    monkeypatch.setattr(timing, "MAX_CLASSIFY_AGE_SECONDS", 0.0)
    assert await keys.reason(secret.text) == "ACCESS_UNAVAILABLE"
    keys.bring_back()

    async def is_admitted() -> bool:
        return await keys.reason(secret.text, Scope.PROMOTE) == ""

    await eventually(is_admitted, "the database's return")


async def test_nobody_is_admitted_before_the_database_has_answered(tmp_path: Path) -> None:
    file = tmp_path / "access.db"
    store = KeyStore(open_database(f"sqlite:///{file}"))
    secret = store.make("shop", "anna", CLASSIFY, FOR_EVER)
    keys = Keys(file, store, Gate(KeyStore(open_database(f"sqlite:///{file}"))))
    keys.take_away()
    async with keys.gate:
        assert await keys.reason(secret.text) == "ACCESS_UNAVAILABLE"
        keys.bring_back()

        async def is_admitted() -> bool:
            return await keys.reason(secret.text) == ""

        await eventually(is_admitted, "the first answer")


async def test_the_last_use_of_a_key_is_written_down(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "RECORD_SECONDS", 0.0)
    secret = keys.store.make("shop", "anna", CLASSIFY, FOR_EVER)
    await keys.reason(secret.text)

    async def is_recorded() -> bool:
        key = (keys.store.load().keys or {})[secret.id]
        return key.last_used_at is not None and key.last_used_at >= key.created_at

    await eventually(is_recorded, "the record")


async def test_a_process_has_a_key_of_its_own_while_it_runs(keys: Keys) -> None:
    async with OwnKey(keys.store) as own:
        ((_, authorization),) = own.metadata()
        assert await keys.reason(authorization.removeprefix("Bearer ")) == ""
        assert await keys.reason(authorization.removeprefix("Bearer "), Scope.ADMIN) == "SCOPE_MISSING"
        (key,) = (keys.store.load().keys or {}).values()
        assert key.kind is Kind.SERVICE
        assert key.expires_at is not None
    assert keys.store.load().keys == {}

    async def is_unknown() -> bool:
        return await keys.reason(authorization.removeprefix("Bearer ")) == "KEY_UNKNOWN"

    await eventually(is_unknown, "its end everywhere")


async def session_reason(gate: Gate, token: str, scope: Scope = Scope.CLASSIFY) -> str:
    """Why a session is refused; an empty text if it is admitted."""
    try:
        await gate.admit_session(token, scope)
    except VergerError as error:
        return error.reason
    return ""


async def test_a_session_is_admitted_as_its_key_is(keys: Keys) -> None:
    token = await keys.gate.sign_in(keys.store.make("shop", "anna", CLASSIFY, FOR_EVER).text)
    assert await session_reason(keys.gate, token) == ""
    assert await session_reason(keys.gate, token, Scope.TRAIN) == "SCOPE_MISSING"
    assert await keys.reason(token) == "KEY_UNKNOWN"  # it is no key


async def test_a_session_that_is_known_costs_the_database_no_question(keys: Keys) -> None:
    token = await keys.gate.sign_in(keys.store.make("shop", "anna", CLASSIFY, FOR_EVER).text)
    assert await session_reason(keys.gate, token) == ""
    keys.take_away()
    assert await session_reason(keys.gate, token) == ""
    assert await session_reason(keys.gate, "forged") == "ACCESS_UNAVAILABLE"


async def test_one_session_too_many_of_a_key_ends_its_oldest(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.access.rows.visits.MAX_PER_KEY", 2)
    shop, market = (keys.store.make(name, "anna", CLASSIFY, FOR_EVER) for name in ("shop", "market"))
    other = await keys.gate.sign_in(market.text)
    tokens = [await keys.gate.sign_in(shop.text) for _ in range(3)]

    async def are_two() -> bool:
        return [await session_reason(keys.gate, token) for token in tokens].count("") == 2

    await eventually(are_two, "the end of the oldest")
    assert [await session_reason(keys.gate, token) for token in (tokens[-1], other)] == ["", ""]


async def test_a_link_starts_one_session_for_the_key_it_was_made_for(keys: Keys) -> None:
    shop = keys.store.make("shop", "anna", CLASSIFY, FOR_EVER)
    link = keys.store.make_link(shop.id)
    async with Gate(KeyStore(open_database(f"sqlite:///{keys.file}"))) as other:
        outcomes = await asyncio.gather(
            *(gate.sign_in(link) for gate in (keys.gate, other) * 4), return_exceptions=True
        )
    tokens = [outcome for outcome in outcomes if isinstance(outcome, str)]
    assert len(tokens) == 1
    assert {outcome.reason for outcome in outcomes if isinstance(outcome, VergerError)} == {"LINK_SPENT"}
    assert await session_reason(keys.gate, tokens[0]) == ""
    assert await session_reason(keys.gate, tokens[0], Scope.TRAIN) == "SCOPE_MISSING"
    assert await keys.reason(link) == "KEY_UNKNOWN"  # it is no key
    assert link.encode() not in keys.file.read_bytes()


@pytest.mark.parametrize("change", ["revoke", "age"])
async def test_a_link_ends_with_its_key_and_after_its_time(
    keys: Keys, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    if change == "age":
        monkeypatch.setattr("services.access.rows.visits.LINK_LIFETIME", timedelta(0))
    shop = keys.store.make("shop", "anna", CLASSIFY, FOR_EVER)
    link = keys.store.make_link(shop.id)
    if change == "revoke":
        keys.store.revoke(shop.id)
    with pytest.raises(VergerError) as refused:
        await keys.gate.sign_in(link)
    assert refused.value.reason == {"revoke": "KEY_REVOKED", "age": "LINK_SPENT"}[change]
