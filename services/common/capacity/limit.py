"""Decides how many photos may be in flight, by how long they wait. No clock but the given one, no network."""

import time
from collections.abc import Callable

MAX_WAIT_PER_WORK = 5.0
"""Under overload, a photo may wait so many times as long as it is worked on."""

WINDOW_SECONDS = 0.25
MIN_ANSWERS = 8
"""The limit is adapted at most once in WINDOW_SECONDS, and by at least MIN_ANSWERS answers."""

MIN_STEP, MAX_STEP = 0.7, 1.1
"""Factors by which one adaptation may lower and raise the limit."""

CALM_SECONDS = 1.0
"""Time without a refusal after which the load counts as normal again. Refused callers are told to wait as long."""

BURST_WORKS, MIN_BURST_SECONDS = 3.0, 0.02
"""What arrives within the time of so many photos' work, once single calls hold half of the places, is a burst."""

UNKNOWN_WORK_SECONDS = 0.1
SMOOTHING = 0.1
"""Weight of the newest photo in the mean time of work, which is UNKNOWN_WORK_SECONDS before the first one."""


class AdaptiveLimit:
    """A limit of places that takes bursts whole, and goes down under overload until photos no longer wait long.

    Envoy's adaptive concurrency and Netflix's Gradient2 compare the latency with that of an idle system, which they
    have to probe or to remember. Here each photo's time at work is measured apart from its wait, so their ratio says at
    any load how full the queue is: with c cores at work and n photos in flight, a photo waits n / c - 1 times as long
    as it is worked on.

    Callers who send the next photo when they have an answer all come at once, and then stay as many: they may take all
    places. A queue that goes on growing after single calls hold half of the places is an overload instead. It stops at
    what the burst has brought, and from the first refusal on the ratio decides.
    """

    def __init__(self, floor: int, ceiling: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Creates the limit.

        Args:
            floor: places under the greatest overload, enough to keep all cores at work.
            ceiling: places for a burst. Equal to `floor`, it fixes the limit.
            clock: seconds that never go back.
        """
        self._floor, self._ceiling, self._clock = floor, ceiling, clock
        self._work_seconds = UNKNOWN_WORK_SECONDS
        self._burst_end: float | None = None
        self._burst_calls = 0
        self._refused_at: float | None = None
        self._limit = float(ceiling)  # since the first refusal
        self._window_end = 0.0
        self._answers, self._window_wait, self._window_work = 0, 0.0, 0.0

    def places(self, calls: int, items: int = 0) -> int:
        """Returns how many photos may be in flight now, when so many single calls and items of streams are."""
        now = self._clock()
        if self._refused_at is not None:
            if now - self._refused_at < CALM_SECONDS:
                return int(self._limit)
            self._refused_at = self._burst_end = None
        if calls < self._ceiling // 2:
            self._burst_end = None
            return self._ceiling
        if self._burst_end is None:
            self._burst_end = now + max(MIN_BURST_SECONDS, BURST_WORKS * self._work_seconds)
            self._burst_calls = 0
        if now <= self._burst_end:
            self._burst_calls = max(self._burst_calls, calls + 1)
            return self._ceiling
        return max(self._floor, min(self._burst_calls + items, self._ceiling))

    def count_refusal(self, taken: int) -> None:
        """Counts that a photo was refused when so many were in flight."""
        now = self._clock()
        if self._refused_at is None:
            self._limit = float(min(taken, self._ceiling))
            self._start_window(now)
        self._refused_at = now

    def count_answer(self, wait_seconds: float, work_seconds: float) -> None:
        """Counts a photo that was answered, with the time that it waited and the time that it was worked on."""
        self._work_seconds += SMOOTHING * (work_seconds - self._work_seconds)
        if self._refused_at is None:
            return
        self._answers += 1
        self._window_wait += wait_seconds
        self._window_work += work_seconds
        now = self._clock()
        if now >= self._window_end and self._answers >= MIN_ANSWERS:
            step = MAX_WAIT_PER_WORK * self._window_work / max(self._window_wait, 1e-9)
            limit = self._limit * min(MAX_STEP, max(MIN_STEP, step))
            self._limit = min(float(self._ceiling), max(float(self._floor), limit))
            self._start_window(now)

    def _start_window(self, now: float) -> None:
        self._window_end = now + WINDOW_SECONDS
        self._answers, self._window_wait, self._window_work = 0, 0.0, 0.0
