"""How many refusals of keys are written down."""

from services.access.audit import PERIOD_SECONDS, Refusal, Refusals
from services.access.keys import Scope

GUESS = Refusal(None, Scope.CLASSIFY, "KEY_UNKNOWN")
OTHER = Refusal("3f9a1c07b2de", Scope.PROMOTE, "SCOPE_MISSING")


def counted(*kinds: Refusal) -> Refusals:
    refusals = Refusals()
    for kind in kinds:
        refusals.count(kind)
    return refusals


def test_many_refusals_are_one_entry_and_then_one_an_hour() -> None:
    refusals = counted(*1000 * [GUESS], OTHER)
    assert refusals.take(0) == {GUESS: 1000, OTHER: 1}
    taken = []
    for second in range(1, 2 * int(PERIOD_SECONDS) + 1, 30):
        refusals.count(GUESS, 30_000)
        taken.append(refusals.take(second))
    assert [counts for counts in taken if counts] == [{GUESS: 3_630_000}]
    assert refusals.take_all() == {GUESS: 3_570_000}
    assert refusals.take_all() == {}


def test_a_kind_that_has_not_occurred_for_an_hour_is_written_down_at_once() -> None:
    refusals = counted(GUESS)
    assert refusals.take(0) == {GUESS: 1}
    assert refusals.take(PERIOD_SECONDS) == {}
    refusals.count(GUESS)
    assert refusals.take(PERIOD_SECONDS) == {GUESS: 1}


def test_what_could_not_be_written_down_is_counted_on() -> None:
    refusals = counted(GUESS, GUESS)
    refusals.give_back(refusals.take(0))
    refusals.count(GUESS)
    assert refusals.take(1) == {GUESS: 3}


def test_an_entry_says_who_called_for_what_how_often_and_why_in_vain() -> None:
    entry = OTHER.entry("web on here", 7)
    assert (entry.who, entry.subject, entry.result) == ("key 3f9a1c07b2de", "promote", "SCOPE_MISSING")
    assert entry.details == {"calls": 7}
    assert GUESS.entry("web on here", 7).who == "unknown"
