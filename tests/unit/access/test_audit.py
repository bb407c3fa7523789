"""How many attempts of keys are written down."""

from services.access.audit import DONE, PAGE, PERIOD_SECONDS, Action, Attempt, Attempts
from services.access.keys import Scope

GUESS = Attempt(None, Scope.CLASSIFY, "KEY_UNKNOWN")
OTHER = Attempt("3f9a1c07b2de", Scope.PROMOTE, "SCOPE_MISSING")


def counted(*kinds: Attempt) -> Attempts:
    attempts = Attempts()
    for kind in kinds:
        attempts.count(kind)
    return attempts


def test_many_refusals_are_one_entry_and_then_one_an_hour() -> None:
    attempts = counted(*1000 * [GUESS], OTHER)
    assert attempts.take(0) == {GUESS: 1000, OTHER: 1}
    taken = []
    for second in range(1, 2 * int(PERIOD_SECONDS) + 1, 30):
        attempts.count(GUESS, 30_000)
        taken.append(attempts.take(second))
    assert [counts for counts in taken if counts] == [{GUESS: 3_630_000}]
    assert attempts.take_all() == {GUESS: 3_570_000}
    assert attempts.take_all() == {}


def test_a_kind_that_has_not_occurred_for_an_hour_is_written_down_at_once() -> None:
    attempts = counted(GUESS)
    assert attempts.take(0) == {GUESS: 1}
    assert attempts.take(PERIOD_SECONDS) == {}
    attempts.count(GUESS)
    assert attempts.take(PERIOD_SECONDS) == {GUESS: 1}


def test_what_could_not_be_written_down_is_counted_on() -> None:
    attempts = counted(GUESS, GUESS)
    attempts.give_back(attempts.take(0))
    attempts.count(GUESS)
    assert attempts.take(1) == {GUESS: 3}


def test_an_entry_says_who_called_for_what_how_often_and_why_in_vain() -> None:
    entry = OTHER.entry("web on here", 7)
    assert (entry.who, entry.subject, entry.result) == ("key 3f9a1c07b2de", "promote", "SCOPE_MISSING")
    assert entry.details == {"calls": 7}
    assert GUESS.entry("web on here", 7).who == "unknown"


def test_a_sign_in_is_an_entry_of_the_key_whether_it_succeeds_or_not() -> None:
    for result in (DONE, "KEY_REVOKED"):
        entry = Attempt("3f9a1c07b2de", PAGE, result, Action.SIGN_IN).entry("web on here", 1)
        assert (entry.who, entry.action, entry.subject, entry.result) == ("key 3f9a1c07b2de", "sign-in", "page", result)
