"""Whom a call is counted for, what answers say of limits, and what a process knows of one of them."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from services.access.keys import Key, Kind
from services.access.quotas.account import Account, Granted
from services.access.quotas.policy import Caller, Limits, Policy, Remaining, caller_of, rate_limit_fields
from services.preprocess.config import PreprocessSettings


def key(kind: Kind) -> Key:
    return Key("3f9a1c07b2de", b"", "shop", "anna", frozenset(), datetime(2026, 5, 4, tzinfo=UTC), kind=kind)


def test_a_call_counts_for_its_key_and_without_one_for_its_address() -> None:
    assert caller_of(key(Kind.CLIENT), "192.0.2.7") == Caller("key", "3f9a1c07b2de")
    assert caller_of(None, "192.0.2.7") == Caller("address", "192.0.2.7")


def test_a_call_of_web_counts_for_nobody_because_web_has_counted_it() -> None:
    assert caller_of(key(Kind.SERVICE), "192.0.2.7") is None


def test_answers_say_the_limits_and_what_is_left_of_them() -> None:
    remaining = [Remaining("photos", 596, 59.2), Remaining("bytes", 0, 0.5), Remaining("calls", 15)]
    assert rate_limit_fields(Limits(600, 10**8, 16), remaining) == {
        "RateLimit-Policy": '"photos";q=600;w=60, "bytes";q=100000000;w=60;qu="content-bytes", '
        '"calls";q=16;qu="concurrent-requests"',
        "RateLimit": '"photos";r=596;t=60, "bytes";r=0;t=1, "calls";r=15',
    }


def test_answers_say_nothing_where_nothing_is_limited() -> None:
    assert rate_limit_fields(Limits(), []) == {}


def test_a_new_account_has_everything_left_and_must_ask_for_it() -> None:
    account = Account(600)
    assert (account.balance(0.0), account.remaining(0.0), account.seconds_to_growth(0.0)) == (0, 600, None)
    assert not account.is_exhausted(600, 0.0)


@pytest.mark.parametrize(("limit", "portion"), [(60, 1), (199, 1), (600, 6), (10**9, 10**7)])
def test_a_process_takes_a_hundredth_at_a_time(limit: int, portion: int) -> None:
    account = Account(limit)
    assert account.fill(0.0) == portion
    account.add(Granted(portion, limit - portion, 60.0), 0.0)
    assert account.fill(1.0) == 0


def test_a_balance_is_spent_and_lapses_with_its_minute() -> None:
    account = Account(600)
    account.add(Granted(6, 594, 60.0), 100.0)
    account.spend(2, 101.0)
    assert (account.balance(101.0), account.remaining(101.0), account.seconds_to_growth(101.0)) == (4, 598, 59.0)
    assert account.balance(160.0) == 0
    assert account.remaining(160.0) == 600
    assert account.is_idle(160.0)


def test_an_exhausted_account_refuses_until_it_grows_and_only_what_is_too_much() -> None:
    account = Account(600)
    account.add(Granted(3, 0, 10.0), 0.0)
    assert not account.is_exhausted(3, 1.0)
    assert account.is_exhausted(4, 1.0)
    assert not account.is_exhausted(4, 10.0)  # others may have left something


@pytest.mark.parametrize(("limit", "left", "expected"), [(600, 1, True), (600, 0, False), (99, 50, False)])
def test_a_spent_balance_is_filled_in_advance_where_that_is_no_more_than_a_hundredth(
    limit: int, left: int, expected: bool
) -> None:
    account = Account(limit)
    account.add(Granted(1, left, 60.0), 0.0)
    assert not account.is_spent(1.0)
    account.spend(1, 1.0)
    assert account.is_spent(1.0) is expected


def test_settings_limit_keys_and_addresses() -> None:
    settings = PreprocessSettings(
        _env_file=None, access="keys", key_photos_per_minute=600, address_calls_at_once=4, max_image_bytes=2**20
    )
    assert settings.policy == Policy(Limits(photos=600), Limits(calls=4))
    assert not PreprocessSettings(_env_file=None).policy.limits_anything


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"key_photos_per_minute": 600}, "Set VERGER_ACCESS=keys"),
        ({"access": "keys", "key_bytes_per_minute": 1000}, "VERGER_KEY_BYTES_PER_MINUTE must be 0 or at least"),
        ({"access": "keys", "address_bytes_per_minute": 1}, "VERGER_ADDRESS_BYTES_PER_MINUTE must be 0 or at least"),
        ({"access": "keys", "key_photos_per_minute": -1}, "greater than or equal to 0"),
        ({"access": "keys", "key_calls_at_once": 2**51}, "less than or equal to"),
        ({"public_scopes": "admin"}, "'classify'"),
    ],
)
def test_settings_that_make_no_sense_stop_the_start(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        PreprocessSettings(_env_file=None, **settings)
