"""Figures of an evaluation, compared with calculations by hand."""

import numpy as np
import pytest

from tests.support.trainer.evaluations import contract, evaluation, logits_of
from trainer.evaluation.figures import ReliabilityBin
from trainer.evaluation.scoring import calibration_error, reliability_bins, score, score_parts


def test_figures_are_those_of_the_definition() -> None:
    found = evaluation()
    assert found.images == 4
    assert found.accuracy == 0.75
    first, second, third = found.classes
    assert (first.label, first.precision, first.recall, first.support) == ("x", 1, 0.5, 2)
    assert (second.label, second.recall, second.support) == ("y", 1, 2)
    assert second.precision == pytest.approx(2 / 3)
    assert (first.f1, second.f1) == (pytest.approx(2 / 3), pytest.approx(0.8))
    assert third.support == 0
    assert found.macro_f1 == pytest.approx((2 / 3 + 0.8) / 2)  # classes without pictures don't count
    assert found.confusion == [[1, 1, 0], [0, 2, 0], [0, 0, 0]]


def test_mistakes_come_most_confident_first() -> None:
    logits = logits_of((0.4, 0.6), (0.1, 0.9), (0.9, 0.1), (0.2, 0.8))
    found = score(logits, np.array([0, 0, 0, 1]), ["a", "b", "c", "d"], contract("x", "y"))
    assert [(wrong.file, wrong.label, wrong.predicted) for wrong in found.mistakes] == [
        ("b", "x", "y"),
        ("a", "x", "y"),
    ]
    assert found.mistakes[0].probability == pytest.approx(0.9)


def test_verdicts_are_those_of_serving() -> None:
    found = evaluation(unsure_below=0.75)
    assert found.unsure_share == 0.5  # 0.7 and 0.4
    assert evaluation(out_of_scope_below=1).refused_share == 1
    assert found.refused_share == 0


def test_answers_are_counted_with_their_verdicts() -> None:
    found = evaluation(unsure_below=0.5)
    assert found.answers == [[1, 1, 0, 0, 0], [0, 1, 0, 1, 0], [0, 0, 0, 0, 0]]
    assert evaluation(out_of_scope_below=1).answers == [[0, 0, 0, 0, 2], [0, 0, 0, 0, 2], [0, 0, 0, 0, 0]]
    assert [sum(row) for row in found.answers] == [item.support for item in found.classes]


def test_parts_have_figures_of_their_own() -> None:
    logits = logits_of((0.9, 0.1), (0.2, 0.8), (0.3, 0.7), (0.5, 0.5001))
    targets, files = np.array([0, 0, 1, 1]), ["a", "b", "c", "d"]
    calibration = contract("x", "y", unsure_below=0.6).calibration
    first, second = score_parts(logits, targets, files, ["shop", "field", "field", "field"], calibration, True)
    assert (first.part, first.images, first.accuracy, first.wrong) == ("field", 3, pytest.approx(2 / 3), ["b"])
    assert (first.unsure, first.refused, first.is_elsewhere) == (1, 0, True)
    assert first.expected_calibration_error == pytest.approx((0.8 + 0.3 + 0.5) / 3, abs=1e-3)
    assert (second.part, second.images, second.wrong) == ("shop", 1, [])
    assert score_parts(np.zeros((0, 2), np.float32), targets[:0], [], [], calibration, True) == []


def test_the_temperature_changes_probabilities_but_not_the_answers() -> None:
    sharp, flat = evaluation(temperature=0.5), evaluation(temperature=5)
    assert sharp.accuracy == flat.accuracy == 0.75
    assert sharp.mistakes[0].probability > 0.7 > flat.mistakes[0].probability


def test_the_calibration_error_is_the_mean_gap() -> None:
    best = np.array([0.95, 0.95, 0.95, 0.95, 0.55, 0.55], np.float32)
    right = np.array([True, True, True, False, True, False])
    bins = reliability_bins(best, right)
    assert [(part.images, part.right) for part in bins] == [(2, 0.5), (4, 0.75)]
    assert calibration_error(bins) == pytest.approx((2 * 0.05 + 4 * 0.2) / 6, abs=1e-6)


def test_a_probability_of_one_belongs_to_the_highest_bin() -> None:
    best = np.array([1, 1, 0.94], np.float32)
    (highest,) = reliability_bins(best, np.ones(3, bool))
    assert highest == ReliabilityBin(pytest.approx(0.98), 1.0, 3)
