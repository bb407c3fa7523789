"""Shares with their confidence intervals, in words."""

from engine.intervals import wilson_interval


def with_interval(count: int, total: int) -> str:
    """Returns a share with its 95 % interval, in percent: "94.9 % (93.2 to 96.1)"."""
    low, high = wilson_interval(count, total)
    return f"{100 * count / total:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
