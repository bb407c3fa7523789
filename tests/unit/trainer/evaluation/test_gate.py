"""The decision whether a version becomes champion."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.support.trainer.evaluations import evaluation
from trainer.evaluation.figures import Evaluation, Mistake, NegativeFigures, PartFigures
from trainer.evaluation.gate import (
    NO_CHAMPION,
    Champion,
    Cost,
    PairedTest,
    compare,
    not_comparable,
    not_sound,
    worth_quantising,
)

SAME_COST = Cost(latency=1, size=1)
THIRD = Champion("3")


def with_mistakes(wrong: Sequence[int], images: int = 1000) -> Evaluation:
    """Returns an evaluation of `images` pictures in which these were answered wrongly."""
    mistakes = [Mistake(f"{number}.jpg", "x", "y", 0.9) for number in wrong]
    return replace(evaluation(), images=images, accuracy=1 - len(wrong) / images, mistakes=mistakes)


CHAMPION = with_mistakes(range(100))


def test_a_version_as_good_as_the_champion_passes() -> None:
    decision = compare(CHAMPION, CHAMPION, SAME_COST, THIRD)
    assert decision.passed
    assert "90.0% right against 90.0% of version 3 on the same 1000 test pictures" in decision.reason
    assert "of the 0 where they differ 0 to 0, p = 1" in decision.reason


def test_a_loss_that_chance_explains_is_tolerated() -> None:
    decision = compare(with_mistakes(range(90, 199)), CHAMPION, SAME_COST, THIRD)  # 109 wrong, 99 of them new
    assert decision.passed
    assert "of the 189 where they differ 90 to 99, p = 0.56" in decision.reason


def test_a_loss_of_more_than_a_point_fails_even_if_chance_explains_it() -> None:
    decision = compare(with_mistakes(range(90, 201)), CHAMPION, SAME_COST, THIRD)  # 111 wrong, p = 0.47
    assert not decision.passed
    assert decision.reason.startswith(
        "Not as good as the champion: fewer answers are right: 88.9%, where 90.0% were reached before. (88.9% right"
    )


def test_losses_that_chance_explains_do_not_add_up() -> None:
    """Each of these versions loses 8 of 1000 pictures against its champion, which alone would pass."""
    first = compare(with_mistakes(range(50, 158)), with_mistakes(range(100)), SAME_COST, THIRD)
    assert first.passed
    assert first.lineage_best == 0.9
    heir = Champion("4", lineage_best=first.lineage_best)
    second = compare(with_mistakes(range(116)), with_mistakes(range(50, 158)), SAME_COST, heir)
    assert not second.passed
    assert "fewer answers are right: 88.4%, where 90.0% were reached before" in second.reason
    assert second.lineage_best == pytest.approx(0.884)  # promoting it by hand starts a new lineage
    better = compare(with_mistakes(range(50)), with_mistakes(range(50, 158)), SAME_COST, heir)
    assert (better.passed, better.lineage_best) == (True, 0.95)


def test_a_significant_loss_fails_even_if_it_is_small() -> None:
    decision = compare(with_mistakes(range(109)), CHAMPION, SAME_COST, THIRD)
    assert not decision.passed
    assert "0 to 9, p = 0.0039" in decision.reason


def test_a_gain_passes_even_if_many_answers_differ() -> None:
    assert compare(with_mistakes(range(50, 145)), CHAMPION, SAME_COST, THIRD).passed


@pytest.mark.parametrize(("gained", "lost", "p"), [(12, 9, 0.6636), (0, 5, 0.0625), (9, 0, 0.0039), (0, 0, 1)])
def test_the_paired_test_is_the_exact_test_of_mcnemar(gained: int, lost: int, p: float) -> None:
    assert PairedTest(gained, lost).p == pytest.approx(p, abs=1e-4)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("expected_calibration_error", "the calibration error is 0.050 against 0.020"),
        ("refused_share", "the share of test pictures called out of scope is 0.050 against 0.020"),
    ],
)
def test_calibration_and_refused_share_must_not_rise(name: str, expected: str) -> None:
    champion = replace(CHAMPION, **{name: 0.02})
    assert compare(replace(CHAMPION, **{name: 0.03}), champion, SAME_COST, THIRD).passed
    decision = compare(replace(CHAMPION, **{name: 0.05}), champion, SAME_COST, THIRD)
    assert not decision.passed
    assert expected in decision.reason
    few = replace(champion, images=50), replace(champion, images=50, **{name: 0.05})
    assert compare(few[1], few[0], SAME_COST, THIRD).passed


def test_negatives_must_still_be_separated() -> None:
    def refusing(auroc: float, images: int = 60) -> Evaluation:
        groups = [NegativeFigures("a", images, auroc, 0.9), NegativeFigures("b", images, 0.9, 0.9)]
        return replace(CHAMPION, negatives=groups)

    assert compare(refusing(0.96), refusing(0.98), SAME_COST, THIRD).passed
    decision = compare(refusing(0.90), refusing(0.98), SAME_COST, THIRD)
    assert not decision.passed
    assert "the AUROC over 120 negatives is 0.900 against 0.940" in decision.reason
    assert compare(refusing(0.5, images=10), refusing(0.98, images=10), SAME_COST, THIRD).passed
    assert compare(refusing(0.92, images=20), refusing(0.97, images=20), SAME_COST, THIRD).passed  # 0.03 for 40
    assert not compare(refusing(0.90, images=20), refusing(0.98, images=20), SAME_COST, THIRD).passed


def test_no_group_of_negatives_is_bought_with_another() -> None:
    def refusing(**groups: float) -> Evaluation:
        return replace(CHAMPION, negatives=[NegativeFigures(name, 100, auroc, 0.9) for name, auroc in groups.items()])

    decision = compare(refusing(fruit=0.99, things=0.93), refusing(fruit=0.9, things=0.98), SAME_COST, THIRD)
    assert not decision.passed
    assert "the AUROC over 100 negatives things is 0.930 against 0.980" in decision.reason
    assert "over 200 negatives" not in decision.reason


def part(name: str, wrong: Sequence[int], images: int = 100, **figures: Any) -> PartFigures:
    """Returns figures of a part in which these pictures were answered wrongly."""
    same = {"is_elsewhere": True, "unsure": 0, "refused": 2, "expected_calibration_error": 0.02, **figures}
    return PartFigures(part=name, images=images, wrong=[f"{number}.jpg" for number in wrong], **same)


def with_parts(*parts: PartFigures) -> Evaluation:
    return replace(CHAMPION, parts=parts)


def test_no_part_is_bought_with_another() -> None:
    old = with_parts(part("field", range(10), 900), part("field/shelf", range(10)))
    assert compare(old, old, SAME_COST, THIRD).passed
    assert compare(with_parts(part("field", (), 900), part("field/shelf", range(13))), old, SAME_COST, THIRD).passed
    decision = compare(with_parts(part("field", (), 900), part("field/shelf", range(14))), old, SAME_COST, THIRD)
    assert not decision.passed
    assert "86.0% of 100 are right on field/shelf against 90.0%" in decision.reason
    significant = with_parts(part("field", range(18), 900), part("field/shelf", range(10)))
    assert "98.0% of 900 are right on field against 98.9%" in compare(significant, old, SAME_COST, THIRD).reason


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ({"expected_calibration_error": 0.05}, "the calibration error on field is 0.050 against 0.020"),
        ({"refused": 5}, "the share called out of scope on field is 0.050 against 0.020"),
    ],
)
def test_calibration_and_refused_share_must_not_rise_on_any_part(figures: dict[str, float], expected: str) -> None:
    old, new = with_parts(part("field", ())), with_parts(part("field", (), **figures))
    decision = compare(new, old, SAME_COST, THIRD)
    assert not decision.passed
    assert expected in decision.reason


def test_the_part_that_is_the_whole_is_compared_once() -> None:
    old = with_parts(part("fruits", range(10), 1000, is_elsewhere=False))
    new = with_parts(part("fruits", range(50), 1000, is_elsewhere=False))
    assert compare(new, old, SAME_COST, THIRD).passed  # the figures of the whole are equal here


def test_a_version_is_compared_wherever_the_champion_was_tested() -> None:
    champion = Champion("3", elsewhere=("field", "field/shelf"))
    both = with_parts(part("field", ()), part("field/shelf", ()))
    assert compare(both, both, SAME_COST, champion).passed
    decision = compare(with_parts(part("field", ())), with_parts(part("field", ())), SAME_COST, champion)
    assert not decision.passed
    assert "the champion was also tested on field/shelf, and this version was not" in decision.reason
    assert "--elsewhere DIR" in decision.reason


def test_groups_of_negatives_count_if_both_versions_were_tested_on_them() -> None:
    def refusing(**groups: float) -> Evaluation:
        return replace(CHAMPION, negatives=[NegativeFigures(name, 100, auroc, 0.9) for name, auroc in groups.items()])

    assert compare(refusing(animal=0.95, remembered_animal=0.5), refusing(animal=0.95), SAME_COST, THIRD).passed
    decision = compare(refusing(animal=0.9, remembered_animal=1), refusing(animal=0.95), SAME_COST, THIRD)
    assert "the AUROC over 100 negatives is 0.900 against 0.950" in decision.reason


@pytest.mark.parametrize("measured", [(), ("remembered_animal",)])
def test_a_champion_that_refuses_is_not_replaced_without_a_comparison_of_refusal(measured: Sequence[str]) -> None:
    refuses = Champion("3", refuses=True)
    new = replace(CHAMPION, negatives=[NegativeFigures(group, 100, 0.99, 0.9) for group in measured])
    old = replace(CHAMPION, negatives=[NegativeFigures("animal", 100, 0.99, 0.9)])
    assert compare(old, old, SAME_COST, refuses).passed
    decision = compare(new, old, SAME_COST, refuses)
    assert not decision.passed
    assert "name pictures with --negatives DIR, or promote by hand" in decision.reason


@pytest.mark.parametrize(
    ("cost", "expected"),
    [
        (Cost(latency=1.6, size=1), "an answer takes 1.60 times the champion's, 1.5 are allowed"),
        (Cost(latency=1, size=2.1), "its file has 2.10 times the champion's, 2 are allowed"),
    ],
)
def test_latency_and_size_must_not_grow_much(cost: Cost, expected: str) -> None:
    assert compare(CHAMPION, CHAMPION, Cost(latency=1.4, size=1.9), THIRD).passed
    decision = compare(CHAMPION, CHAMPION, cost, THIRD)
    assert not decision.passed
    assert expected in decision.reason


def test_the_first_version_passes_and_an_incomparable_or_broken_one_does_not() -> None:
    assert NO_CHAMPION.passed
    decision = not_comparable("3", "It knows other classes.")
    assert not decision.passed
    assert decision.reason == "Can't be compared with the champion, version 3. It knows other classes."
    assert not not_sound("Golden sample 1 gives other logits.").passed


HALF = Cost(latency=0.5, size=0.6)


def test_quantising_may_lose_three_answers_of_a_thousand() -> None:
    found = worth_quantising(897, 900, 1000, HALF)
    assert found.is_worth_it
    assert found.reason == (
        "It computes in 8-bit integers: 897 of 1000 test pictures are right, in float 900. Where it was trained, an "
        "answer takes 0.50 times the time of float; the file has 0.60 times the size."
    )
    found = worth_quantising(896, 900, 1000, HALF)
    assert not found.is_worth_it
    assert found.reason == (
        "It computes in float. In 8-bit integers 4 fewer of 1000 test pictures would be right (0.3% are allowed)."
    )
    assert not worth_quantising(19, 20, 20, HALF).is_worth_it
    assert worth_quantising(20, 19, 20, HALF).is_worth_it


def test_a_quantised_version_must_be_clearly_faster() -> None:
    assert worth_quantising(900, 900, 1000, Cost(latency=0.9, size=0.6)).is_worth_it
    found = worth_quantising(900, 900, 1000, Cost(latency=0.95, size=0.6))
    assert not found.is_worth_it
    assert found.reason == (
        "It computes in float. In 8-bit integers an answer would take 0.95 times as long where it was trained (0.9 are "
        "allowed)."
    )


def test_a_float_version_that_is_slower_than_a_quantised_champion_is_told_why() -> None:
    slow = Cost(latency=1.9, size=1.8)
    decision = compare(CHAMPION, CHAMPION, slow, Champion("3", is_quantised=True))
    assert not decision.passed
    assert "1.5 are allowed; it computes in 8-bit integers, which lose this version too many answers" in decision.reason
    assert "integers" not in compare(CHAMPION, CHAMPION, slow, THIRD).reason
