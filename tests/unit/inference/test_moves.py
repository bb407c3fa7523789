"""What the audit says of a registered model."""

from dataclasses import replace

from registry.acts import BEGUN, DONE, Act, Kind
from services.access.audit import UNKNOWN, Action, Entry
from services.inference.moves import Seen, of_acts, outside, seen_in

BEGINNING = Act("1", Kind.PROMOTE, "anna", "trainer on farm", "version 2", BEGUN, {"champion": "2", "previous": "1"})
ENDED = replace(BEGINNING, result=DONE)
BEFORE = Seen({"champion": "1"})
AFTER = {"champion": "2", "previous": "1"}


def moved(before: Seen | None, aliases: dict[str, str], *acts: Act) -> list[tuple[str, object, object]]:
    found = outside("fruits", "here", before, aliases, acts)
    assert {(entry.who, entry.action) for entry in found} <= {(UNKNOWN, Action.MOVE)}
    return [(entry.subject, entry.details["from"], entry.details["to"]) for entry in found]


def test_an_act_is_written_when_it_begins_and_when_it_ends() -> None:
    expected = {"champion": "2", "previous": "1"}
    (begun,) = of_acts("fruits", BEFORE, [BEGINNING])
    assert begun == Entry("anna", "trainer on farm", Action.PROMOTE, "fruits version 2", BEGUN, expected)
    (done,) = of_acts("fruits", seen_in({}, [BEGINNING]), [ENDED])
    assert done.result == DONE
    assert list(of_acts("fruits", seen_in({}, [ENDED]), [ENDED])) == []


def test_what_is_seen_first_is_written_but_no_move() -> None:
    assert [entry.result for entry in of_acts("fruits", None, [ENDED])] == [DONE]
    assert moved(None, AFTER) == []


def test_an_act_explains_its_moves_while_it_goes_on_and_once_it_has_ended() -> None:
    assert moved(BEFORE, AFTER, BEGINNING) == []
    assert moved(BEFORE, AFTER, ENDED) == []
    assert moved(seen_in({"champion": "1"}, [BEGINNING]), AFTER, BEGINNING) == []
    assert moved(seen_in({"champion": "1", "previous": "1"}, [BEGINNING]), AFTER, ENDED) == []


def test_an_act_of_the_past_explains_no_move() -> None:
    assert moved(seen_in({"champion": "3", "previous": "1"}, [ENDED]), AFTER, ENDED) == [("fruits champion", "3", "2")]


def test_a_move_that_no_act_names_is_one_from_outside() -> None:
    assert moved(BEFORE, {"champion": "3"}, ENDED) == [("fruits champion", "1", "3")]
    assert moved(BEFORE, {"champion": "1", "mine": "1"}) == [("fruits mine", "none", "1")]
    assert moved(BEFORE, {}) == [("fruits champion", "1", "none")]


def test_a_deletion_is_explained_by_an_act_that_names_it() -> None:
    deleting = replace(ENDED, moves={"challenger": ""})
    assert moved(Seen({"challenger": "2"}), {}, deleting) == []


def test_entries_fit_into_the_database() -> None:
    long = replace(ENDED, subject="s" * 100, result="R" * 100)
    (entry,) = of_acts("m" * 50, BEFORE, [long])
    assert (len(entry.subject), len(entry.result)) == (100, 40)


def test_what_was_seen_survives_json() -> None:
    seen = seen_in(AFTER, [ENDED])
    assert Seen(**seen.as_json()) == seen
