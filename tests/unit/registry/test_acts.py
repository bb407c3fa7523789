"""Acts as tags of a registered model."""

import json

import pytest

from registry.acts import DONE, PREFIX, Kind, acts_in, new_act


def test_acts_are_read_as_they_were_written_and_oldest_first() -> None:
    first = new_act(Kind.PROMOTE, "anna", "trainer on farm", "version 3").with_move("champion", "3")
    second = new_act(Kind.TRAIN, "bob", "trainer on farm", "fruits")
    assert acts_in(dict([second.tag(), first.tag(), ("gate", "passed")])) == [first, second]


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "delete"},
        {"who": 5},
        {"who": "a" * 101},
        {"subject": "version 3\nkey made"},
        {"moves": "champion"},
        {"moves": {"champion": 3}},
        {"result": None},
    ],
    ids=str,
)
def test_a_tag_that_is_no_act_is_left_out(changes: dict[str, object]) -> None:
    key, value = new_act(Kind.PROMOTE, "anna", "trainer on farm", "version 3").tag()
    forged = json.dumps(json.loads(value) | changes)
    assert acts_in({key: forged, f"{PREFIX}2": "no JSON", f"{PREFIX}3": "[]"}) == []


def test_an_act_begins_before_it_is_done() -> None:
    assert new_act(Kind.TRAIN, "anna", "here", "").result != DONE
