"""Confidence intervals of shares."""

from math import sqrt
from statistics import NormalDist

_Z = NormalDist().inv_cdf(0.975)


def wilson_interval(count: float, total: float) -> tuple[float, float]:
    """Returns the 95 % interval of a share (Wilson, 1927), whose ends are 0 to 1.

    Args:
        count: successes, 0 to `total`.
        total: trials, at least 1.
    """
    share, spread = count / total, _Z**2 / total
    middle = (share + spread / 2) / (1 + spread)
    half = _Z / (1 + spread) * sqrt(share * (1 - share) / total + spread / (4 * total))
    return max(0.0, middle - half), min(1.0, middle + half)
