import numpy as np

from engine.model.evidence import evidence_map


def test_the_maximum_is_scaled_to_255_and_negative_values_become_0() -> None:
    made = evidence_map(np.asarray([[-5, 0, 1], [2, 4, 3]], np.float32))
    assert (made.height, made.width) == (2, 3)
    assert list(made.strength) == [0, 0, 64, 128, 255, 191]


def test_evidence_without_positive_values_is_0_everywhere() -> None:
    assert list(evidence_map(np.full((2, 2), -1, np.float32)).strength) == [0, 0, 0, 0]
