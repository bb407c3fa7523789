"""When a call is repeated."""

import pytest
from verger_client import Busy, Unavailable
from verger_client.attempts import MAX_PAUSE_SECONDS, Attempts


def test_pauses_grow_up_to_a_limit() -> None:
    attempts = Attempts(10_000)
    pauses = [attempts.pause_after(Unavailable("away")) for _ in range(12)]
    assert 0.05 <= pauses[0] <= 0.1
    assert pauses[3] > pauses[0]
    assert all(MAX_PAUSE_SECONDS / 2 <= pause <= MAX_PAUSE_SECONDS for pause in pauses[-3:])


def test_the_hint_of_the_server_counts_where_it_is_longer() -> None:
    assert Attempts(10_000).pause_after(Busy("full", "OVERLOADED", retry_after=7)) == 7


def test_the_last_error_is_raised_where_no_time_is_left() -> None:
    error = Busy("full", "OVERLOADED", retry_after=2)
    with pytest.raises(Busy) as raised:
        Attempts(1).pause_after(error)
    assert raised.value is error
    assert Attempts(1e-9).left > 0, "gRPC takes no deadline of 0"
