import numpy as np
import pytest
from verger.v1 import classifier_pb2, model_pb2

from engine.errors import LogitsNotFinite
from engine.model.verdict import classify, decide, probabilities, scope_score

CALIBRATION = model_pb2.Calibration(
    temperature=2, unsure_below=0.625, scope_score=model_pb2.SCOPE_SCORE_ENERGY, out_of_scope_below=1.5
)
CONTRACT = model_pb2.ModelContract(
    classes=[model_pb2.ClassInfo(label=label) for label in ("apple", "banana", "cherry")], calibration=CALIBRATION
)


def test_probabilities_are_a_softmax_with_temperature() -> None:
    logits = np.asarray([0, 2 * np.log(2), 2 * np.log(5)], np.float32)
    assert probabilities(logits, 2).tolist() == pytest.approx([1 / 8, 2 / 8, 5 / 8], abs=1e-6)


def test_probabilities_of_a_batch_and_of_huge_logits() -> None:
    batch = np.asarray([[1000, 0, -1000], [0, 0, 0]], np.float32)
    assert np.allclose(probabilities(batch, 1), [[1, 0, 0], [1 / 3] * 3])


def test_energy_is_the_log_of_the_summed_exponentials() -> None:
    logits = np.asarray([[1, 2, 3], [500, 500, 500]], np.float32)
    assert scope_score(logits, CALIBRATION).tolist() == pytest.approx([3.4076, 501.0986], abs=1e-3)


def test_the_scope_score_can_be_the_best_probability() -> None:
    calibration = model_pb2.Calibration(temperature=1, scope_score=model_pb2.SCOPE_SCORE_MAX_PROBABILITY)
    assert scope_score(np.zeros((2, 4), np.float32), calibration).tolist() == [0.25, 0.25]


def test_the_scope_score_can_be_the_best_probability_beside_none_of_the_classes() -> None:
    kind = model_pb2.SCOPE_SCORE_MAX_PROBABILITY_WITH_NONE
    calibration = model_pb2.Calibration(temperature=7, scope_score=kind)
    logits = np.log(np.asarray([[3, 1], [0.5, 0.5], [0.001, 0.002]], np.float32))
    assert scope_score(logits, calibration).tolist() == pytest.approx([3 / 5, 1 / 4, 2 / 1003])
    assert scope_score(logits[0], calibration) == pytest.approx(3 / 5)  # a single photo, as in serving
    assert scope_score(np.full((1, 2), 900, np.float32), calibration).tolist() == [0.5]


@pytest.mark.parametrize(
    ("probability", "score", "verdict"),
    [
        (0.625, 1.5, classifier_pb2.VERDICT_RECOGNISED),
        (0.62, 1.5, classifier_pb2.VERDICT_UNSURE),
        (0.99, 1.49, classifier_pb2.VERDICT_OUT_OF_SCOPE),
        (0.1, 1.49, classifier_pb2.VERDICT_OUT_OF_SCOPE),
    ],
)
def test_the_verdict_changes_at_the_thresholds(
    probability: float, score: float, verdict: classifier_pb2.Verdict
) -> None:
    assert decide(probability, score, CALIBRATION) == verdict


def test_a_classification_lists_the_best_first_and_sums_to_one() -> None:
    answer = classify(np.asarray([1, 9, 3], np.float32), CONTRACT)
    assert [prediction.label for prediction in answer.predictions] == ["banana", "cherry", "apple"]
    assert sum(prediction.probability for prediction in answer.predictions) == pytest.approx(1, abs=1e-6)
    assert answer.verdict == classifier_pb2.VERDICT_RECOGNISED


@pytest.mark.parametrize(("top_k", "shown"), [(0, 3), (1, 1), (2, 2), (99, 3)])
def test_top_k_limits_the_number_of_predictions(top_k: int, shown: int) -> None:
    answer = classify(np.asarray([1, 9, 3], np.float32), CONTRACT, top_k)
    assert len(answer.predictions) == shown
    assert answer.predictions[0].label == "banana"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_logits_that_are_not_finite_are_an_error(value: float) -> None:
    with pytest.raises(LogitsNotFinite):
        classify(np.array([1, value, 2], np.float32), CONTRACT)
