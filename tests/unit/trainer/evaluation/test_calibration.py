"""Temperature and thresholds."""

import numpy as np
import pytest
from numpy.typing import NDArray
from verger.v1 import model_pb2

from engine.contract import to_json
from engine.model.verdict import probabilities, scope_score
from trainer.evaluation.calibration import REFUSED_SHARE, calibrate, fit_temperature, scope_auroc, unsure_threshold

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
    calibration = calibrate(logits, targets, NO_LOGITS)
    assert calibration.scope_score == model_pb2.SCOPE_SCORE_ENERGY
    refused = scope_score(logits, calibration) < calibration.out_of_scope_below
    assert REFUSED_SHARE - 0.01 < refused.mean() <= REFUSED_SHARE


@pytest.mark.parametrize("count", [0, 29])
def test_with_few_pictures_nothing_is_refused_or_doubted(count: int) -> None:
    logits, targets = answers(2.5, count=29)
    calibration = calibrate(logits[:count], targets[:count], NO_LOGITS)
    assert calibration.temperature == 1
    assert calibration.unsure_below == 0
    assert not (scope_score(logits, calibration) < calibration.out_of_scope_below).any()
    assert "out_of_scope_below" in to_json(calibration)  # a number that JSON can hold


def test_the_fallback_supplies_what_too_few_pictures_cannot_determine() -> None:
    logits, targets = answers(2.5)
    fallback = model_pb2.Calibration(
        temperature=3, unsure_below=0.4, scope_score=model_pb2.SCOPE_SCORE_MAX_PROBABILITY, out_of_scope_below=0.3
    )
    assert calibrate(logits[:29], targets[:29], NO_LOGITS, fallback) == fallback
    calibration = calibrate(logits, targets, NO_LOGITS, fallback)  # enough pictures, but no negatives
    assert calibration.scope_score == model_pb2.SCOPE_SCORE_MAX_PROBABILITY
    assert calibration.temperature == pytest.approx(2.5, rel=0.1)
    refused = scope_score(logits, calibration) < calibration.out_of_scope_below
    assert REFUSED_SHARE - 0.01 < refused.mean() <= REFUSED_SHARE
    assert fallback.temperature == 3


def test_the_scope_score_that_separates_negatives_better_is_chosen() -> None:
    logits, targets = answers(1.0)
    random = np.random.default_rng(4)
    flat_with_high_energy = random.normal(6, 0.1, (200, 5)).astype(np.float32)  # high energy, no preferred class
    peaked_with_low_energy = (logits - logits.max(axis=1, keepdims=True) - 20)[:200]  # a preferred class, low energy
    chosen = [
        calibrate(logits, targets, negatives).scope_score
        for negatives in (flat_with_high_energy, peaked_with_low_energy)
    ]
    assert chosen == [model_pb2.SCOPE_SCORE_MAX_PROBABILITY, model_pb2.SCOPE_SCORE_ENERGY]


def test_the_probability_beside_none_is_chosen_where_it_separates_negatives_better() -> None:
    """Some negatives have two classes far above none of them, the others one class that is hardly above it."""
    logits = np.zeros((200, 5), np.float32) - 9
    logits[:, 0] = 3
    torn, weak = logits.copy(), logits.copy()
    torn[:, 1], weak[:, 0], weak[:, 1:] = 3, 0.5, -15
    calibration = calibrate(logits, np.zeros(200, np.int64), np.concatenate([torn, weak]))
    assert calibration.scope_score == model_pb2.SCOPE_SCORE_MAX_PROBABILITY_WITH_NONE


def test_auroc_is_the_share_of_pairs_in_the_right_order() -> None:
    calibration = model_pb2.Calibration(temperature=1, scope_score=model_pb2.SCOPE_SCORE_ENERGY)
    known, negatives = (np.array(rows, np.float32) for rows in ([[3, 0], [1, 0]], [[2, 0], [0, 0]]))
    assert scope_auroc(known, negatives, calibration) == 0.75
