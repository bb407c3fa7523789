"""Simulates photos that arrive at a server of two cores, under a limit of places. No time passes but simulated time."""

import heapq
from dataclasses import dataclass, field

import pytest

from services.common.capacity.limit import CALM_SECONDS, AdaptiveLimit

CORES, WORK_SECONDS = 2, 0.02
CAPACITY = CORES / WORK_SECONDS
FLOOR, CEILING = 8, 32


@dataclass
class Simulation:
    """A queue in order of arrival, in front of CORES cores that take WORK_SECONDS for each photo."""

    slowdown: float = 1.0
    now: float = 0.0
    latencies: list[float] = field(default_factory=list)
    refused: int = 0
    max_in_flight: int = 0
    _ends: list[tuple[float, float]] = field(default_factory=list)  # end and arrival of each photo in flight

    def __post_init__(self) -> None:
        self.limit = AdaptiveLimit(FLOOR, CEILING, lambda: self.now)
        self._cores = [0.0] * CORES

    @property
    def places(self) -> int:
        return self.limit.places(len(self._ends))

    def arrive(self, at: float) -> None:
        self.now = at
        if len(self._ends) >= self.places:
            self.refused += 1
            self.limit.count_refusal(len(self._ends))
            return
        end = max(at, heapq.heappop(self._cores)) + WORK_SECONDS * self.slowdown
        heapq.heappush(self._cores, end)
        heapq.heappush(self._ends, (end, at))
        self.max_in_flight = max(self.max_in_flight, len(self._ends))

    def answer_until(self, time: float) -> None:
        while self._ends and self._ends[0][0] <= time:
            self.answer_next()

    def answer_next(self) -> float:
        """Lets the next photo end, and returns when."""
        self.now, arrival = heapq.heappop(self._ends)
        latency, work = self.now - arrival, WORK_SECONDS * self.slowdown
        self.latencies.append(latency)
        self.limit.count_answer(latency - work, work)
        return self.now

    def at_rate(self, rate: float, seconds: float) -> "Simulation":
        start = self.now
        for number in range(int(rate * seconds)):
            self.answer_until(start + number / rate)
            self.arrive(start + number / rate)
        return self

    def callers(self, count: int, photos: int) -> "Simulation":
        for _ in range(count):
            self.arrive(self.now)
        for _ in range(photos):
            self.arrive(self.answer_next())
        return self

    def p99(self) -> float:
        return sorted(self.latencies)[int(0.99 * len(self.latencies))]


def test_at_twice_the_capacity_accepted_photos_wait_at_most_three_times_as_long_as_at_the_peak() -> None:
    """From the first photo on, as of a flood that hits a system at work."""
    peak = Simulation().callers(8, 1000)
    flood = Simulation().at_rate(0.7 * CAPACITY, 1)
    flood.latencies.clear()
    flood.at_rate(2 * CAPACITY, 8)
    assert flood.p99() <= 3 * peak.p99()
    assert len(flood.latencies) >= 0.95 * CAPACITY * 8
    assert flood.refused > 0


@pytest.mark.parametrize("callers", [1, 8, 32])
def test_callers_who_wait_for_their_answers_are_never_refused(callers: int) -> None:
    assert Simulation().callers(callers, 2000).refused == 0


@pytest.mark.parametrize("slowdown", [0.3, 10])
def test_the_speed_of_the_machine_does_not_matter(slowdown: float) -> None:
    peak = Simulation(slowdown).callers(8, 1000)
    flood = Simulation(slowdown).at_rate(0.7 * CAPACITY / slowdown, slowdown)
    flood.latencies.clear()
    flood.at_rate(2 * CAPACITY / slowdown, 20 * slowdown)
    assert flood.p99() <= 3 * peak.p99()


def test_the_limit_never_leaves_its_bounds() -> None:
    flood = Simulation().at_rate(50 * CAPACITY, 20)
    assert FLOOR <= flood.places <= flood.max_in_flight <= CEILING


def test_a_flood_leaves_no_trace() -> None:
    server = Simulation().at_rate(3 * CAPACITY, 10)
    assert server.places < CEILING
    refused = server.refused
    server.answer_until(server.now + CALM_SECONDS)
    server.now += CALM_SECONDS
    assert server.places == CEILING
    assert server.callers(CEILING, 1000).refused == refused


def test_one_bound_fixes_the_limit() -> None:
    limit = AdaptiveLimit(5, 5)
    for _ in range(1000):
        limit.count_refusal(5)
        limit.count_answer(10, 0.01)
    assert limit.places(5) == 5
