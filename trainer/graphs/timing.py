"""Compares the speed of calls."""

from collections.abc import Callable, Sequence
from time import thread_time

ROUNDS = 15


def fastest_seconds(calls: Sequence[Callable[[], object]]) -> list[float]:
    """Returns the processor seconds of each call's fastest round, measured on the calling thread.

    The calls take turns, so a processor that slows down does so for all of them. Processor time leaves out what other
    processes do meanwhile.
    """
    best = [float("inf")] * len(calls)
    for _ in range(ROUNDS):
        for number, call in enumerate(calls):
            start = thread_time()
            call()
            best[number] = min(best[number], thread_time() - start)
    return best
