"""Waiting for something that happens elsewhere."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], seconds: float = 30, what: str = "it") -> None:
    """Returns when the condition holds; fails the test when it does not within `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen within {seconds:g} s"
        time.sleep(0.05)
