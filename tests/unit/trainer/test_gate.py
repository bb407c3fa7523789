"""Who may go live."""

from dataclasses import replace

from tests.unit.trainer.test_scoring import evaluation
from trainer.gate import NO_CHAMPION, compare, not_comparable

CHAMPION = evaluation()


def test_as_good_as_the_champion_is_good_enough() -> None:
    decision = compare(CHAMPION, CHAMPION, "3")
    assert decision.passed
    assert "75.00% right against 75.00% of version 3 on the same 4 test pictures" in decision.reason


def test_one_picture_less_is_not() -> None:
    decision = compare(replace(CHAMPION, accuracy=0.5), CHAMPION, "3")
    assert not decision.passed
    assert decision.reason.startswith("Not as good as the champion: 50.00% right against 75.00%")


def test_the_first_version_is_champion_and_an_incomparable_one_is_not() -> None:
    assert NO_CHAMPION.passed
    decision = not_comparable("3", "It knows other classes.")
    assert not decision.passed
    assert decision.reason == "Can't be compared with the champion, version 3. It knows other classes."
