"""Temperature and thresholds."""

import numpy as np
import pytest
from numpy.typing import NDArray
from verger.v1 import classifier_pb2, model_pb2

from engine.contract import to_json
from engine.model.verdict import decide, probabilities, scope_score
from trainer.evaluation.calibration import (
    MIN_UNSURE_BELOW,
    NOTHING_SEEN,
    REFUSED_SHARE,
    UNCALIBRATED,
    UNCALIBRATED_WITH_NONE,
    Unseen,
    calibrate,
    fit_temperature,
    scope_auroc,
    scope_threshold,
    unsure_threshold,
)

Floats = NDArray[np.float32]
NO_LOGITS = np.zeros((0, 0), np.float32)


def answers(temperature: float, count: int = 4000) -> tuple[Floats, NDArray[np.int64]]:
    """Returns logits, and true classes drawn from softmax(logits / temperature)."""
    random = np.random.default_rng(3)
    logits = random.normal(0, 3, (count, 5)).astype(np.float32)
    chances = probabilities(logits, temperature)
    targets = np.array([random.choice(5, p=row / row.sum()) for row in chances.astype(np.float64)])
    return logits, targets


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_true_temperature_is_found(temperature: float) -> None:
    assert fit_temperature(*answers(temperature)) == pytest.approx(temperature, rel=0.1)


def test_answers_that_are_always_right_get_a_finite_temperature() -> None:
    logits = np.eye(5, dtype=np.float32)
    assert 0.05 <= fit_temperature(logits, np.arange(5)) < 0.1


def test_below_the_unsure_threshold_answers_are_mostly_wrong() -> None:
    logits, targets = answers(1.5)
    chances = probabilities(logits, 1.5)
    best, right = chances.max(axis=1), chances.argmax(axis=1) == targets
    threshold = unsure_threshold(best, right)
    assert right.mean() > 0.55
    assert best.min() < threshold < best.max()
    assert right[best < threshold].mean() <= 0.5
    higher = np.unique(best[best > threshold])[1:]
    assert all(right[best < value].mean() > 0.5 for value in higher)  # it is the largest of its kind


def test_there_is_no_unsure_threshold_when_all_is_right() -> None:
    assert unsure_threshold(np.array([0.2, 0.9], np.float32), np.array([True, True])) == 0


def test_few_validation_pictures_are_refused() -> None:
    logits, targets = answers(1.0)
    calibration = calibrate(Unseen(logits, targets, NO_LOGITS))
    assert calibration.scope_score == model_pb2.SCOPE_SCORE_ENERGY
    refused = scope_score(logits, calibration) < calibration.out_of_scope_below
    assert REFUSED_SHARE - 0.01 < refused.mean() <= REFUSED_SHARE


@pytest.mark.parametrize("uncalibrated", [UNCALIBRATED, UNCALIBRATED_WITH_NONE])
def test_without_any_picture_an_answer_below_one_half_is_still_none(uncalibrated: model_pb2.Calibration) -> None:
    calibration = calibrate(NOTHING_SEEN, uncalibrated, is_cautious=True)
    assert calibration == uncalibrated
    third, half = (decide(share, share, calibration) for share in (0.33, 0.51))
    assert third != classifier_pb2.VERDICT_RECOGNISED
    assert half == classifier_pb2.VERDICT_RECOGNISED
    assert "out_of_scope_below" in to_json(calibration)  # a number that JSON can hold


def test_an_answer_below_one_half_is_unsure_however_often_it_was_right() -> None:
    logits = np.log(np.array([[0.4, 0.3, 0.3]] * 40, np.float32))
    assert calibrate(Unseen(logits, np.zeros(40, np.int64), NO_LOGITS)).unsure_below == MIN_UNSURE_BELOW


def test_without_negatives_the_score_stays() -> None:
    logits, targets = answers(2.5)
    calibration = calibrate(Unseen(logits, targets, logits[:29]), UNCALIBRATED_WITH_NONE)
    assert calibration.scope_score == model_pb2.SCOPE_SCORE_MAX_PROBABILITY_WITH_NONE
    assert calibration.temperature == pytest.approx(2.5, rel=0.1)
    refused = scope_score(logits, calibration) < calibration.out_of_scope_below
    assert REFUSED_SHARE - 0.01 < refused.mean() <= REFUSED_SHARE
    assert UNCALIBRATED_WITH_NONE.temperature == 1


@pytest.mark.parametrize(("count", "probability"), [(10, 0.87), (40, 0.967), (160, 0.9916)])
def test_ten_right_answers_of_ten_are_no_certainty(count: int, probability: float) -> None:
    logits = np.tile(np.array([9, 0, 0, 0], np.float32), (count, 1))
    calibration = calibrate(Unseen(logits, np.zeros(count, np.int64), NO_LOGITS), is_cautious=True)
    assert probabilities(logits, calibration.temperature).max(axis=1) == pytest.approx(probability, abs=0.005)


@pytest.mark.parametrize("count", [20, 200, 4000])
def test_a_cautious_temperature_is_above_the_best_one_and_close_to_it_with_many_pictures(count: int) -> None:
    found = answers(1.5, count)
    best, cautious = fit_temperature(*found), fit_temperature(*found, is_cautious=True)
    assert best < cautious < best * (1 + 8 / count**0.5)


def test_a_cautious_temperature_covers_the_true_one() -> None:
    """In at least nine of ten draws of 30 pictures; the confidence is 95 %."""
    logits, targets = answers(1.5)
    parts = [slice(first, first + 30) for first in range(0, 3000, 30)]
    covered = [fit_temperature(logits[part], targets[part], is_cautious=True) >= 1.5 for part in parts]
    assert np.mean(covered) >= 0.9
    assert np.mean([fit_temperature(logits[part], targets[part]) >= 1.5 for part in parts]) < 0.7


def test_wrong_answers_alone_give_the_highest_temperature() -> None:
    logits, wrong = np.eye(5, dtype=np.float32) * 50, (np.arange(5) + 1) % 5
    assert fit_temperature(logits, wrong, is_cautious=True) == pytest.approx(20, rel=1e-3)


@pytest.mark.parametrize(("count", "refused"), [(1, 0), (5, 1), (30, 3), (100, 7), (600, 32)])
def test_with_caution_few_pictures_refuse_a_larger_share(count: int, refused: int) -> None:
    scores = np.random.default_rng(1).random(count, np.float32)
    assert (scores < np.float32(scope_threshold(scores, is_cautious=True))).sum() == refused


def test_what_was_seen_apart_is_calibrated_together() -> None:
    logits, targets = answers(1.5, 40)
    apart = Unseen(logits[:7], targets[:7], NO_LOGITS).followed_by(Unseen(logits[7:], targets[7:], logits[:2]))
    assert calibrate(apart, is_cautious=True) == calibrate(Unseen(logits, targets, logits[:2]), is_cautious=True)
    assert calibrate(apart.followed_by(NOTHING_SEEN)) == calibrate(NOTHING_SEEN.followed_by(apart))


def test_the_scope_score_that_separates_negatives_better_is_chosen() -> None:
    logits, targets = answers(1.0)
    random = np.random.default_rng(4)
    flat_with_high_energy = random.normal(6, 0.1, (200, 5)).astype(np.float32)  # high energy, no preferred class
    peaked_with_low_energy = (logits - logits.max(axis=1, keepdims=True) - 20)[:200]  # a preferred class, low energy
    chosen = [
        calibrate(Unseen(logits, targets, negatives)).scope_score
        for negatives in (flat_with_high_energy, peaked_with_low_energy)
    ]
    assert chosen == [model_pb2.SCOPE_SCORE_MAX_PROBABILITY, model_pb2.SCOPE_SCORE_ENERGY]


def test_the_probability_beside_none_is_chosen_where_it_separates_negatives_better() -> None:
    """Some negatives have two classes far above none of them, the others one class that is hardly above it."""
    logits = np.zeros((200, 5), np.float32) - 9
    logits[:, 0] = 3
    torn, weak = logits.copy(), logits.copy()
    torn[:, 1], weak[:, 0], weak[:, 1:] = 3, 0.5, -15
    calibration = calibrate(Unseen(logits, np.zeros(200, np.int64), np.concatenate([torn, weak])))
    assert calibration.scope_score == model_pb2.SCOPE_SCORE_MAX_PROBABILITY_WITH_NONE


def test_auroc_is_the_share_of_pairs_in_the_right_order() -> None:
    calibration = model_pb2.Calibration(temperature=1, scope_score=model_pb2.SCOPE_SCORE_ENERGY)
    known, negatives = (np.array(rows, np.float32) for rows in ([[3, 0], [1, 0]], [[2, 0], [0, 0]]))
    assert scope_auroc(known, negatives, calibration) == 0.75
