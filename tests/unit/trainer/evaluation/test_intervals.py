"""Confidence intervals."""

import pytest
from scipy.stats import binomtest

from trainer.evaluation.intervals import wilson_interval, with_interval


@pytest.mark.parametrize(("count", "total"), [(849, 895), (55, 56), (0, 10), (10, 10), (1, 1)])
def test_the_interval_is_that_of_wilson(count: int, total: int) -> None:
    expected = binomtest(count, total).proportion_ci(method="wilson")
    assert wilson_interval(count, total) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_a_share_is_printed_with_its_interval() -> None:
    assert with_interval(849, 895) == "94.9 % (93.2 to 96.1)"
