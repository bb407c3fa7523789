"""A trial: attackers at work while four users send photos. It says what users, memory and logs must look like.

How long is too long depends on the machine, and on what else runs on it. A photo is answered in time within 3 s, or, on
a machine so busy that the same photos took more than 150 ms just before the attack, within 20 times their median.

The attackers are a process of their own with a lower priority: in truth they have machines of their own, and here they
would take the processor time that the services need. For the same reason, their pictures are made beforehand.
"""

import multiprocessing
import os
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from typing import Any, Protocol

from tests.support.attacks import over_grpc, over_http
from tests.support.attacks.target import Target, target_of
from tests.support.systems.launched import Launched
from tests.support.systems.logs import NewLines
from tests.support.systems.processes import SERVICES, PeakMemory, how_it_ended, open_files, roots
from tests.support.systems.uploads import PHOTO
from tests.support.systems.users import OK, Answer, Users
from tests.support.waiting import wait_until

MAX_SECONDS = 3.0
MAX_SLOWDOWN = 20
MIN_SHARE_IN_TIME = 0.97

USUAL_PHOTOS = 20
PHOTOS = 100
"""Photos of users before an attack and, at least, during it."""

MAX_ATTACK_SECONDS = 60.0
MAX_WAVE_SECONDS = 180.0
"""Time that the last wave may take to end. Attackers come last on a busy machine."""
PAUSE_SECONDS = 0.2
"""Pause before each wave of an attack."""

NICENESS = 10

MAX_MEMORY_MIB: Mapping[str, int] = {"web": 700, "preprocess": 1200, "inference": 500}
"""Of each service with its descendants. The containers have 768, 1,536 and 768 MiB."""

MAX_LINE_BYTES = 64 * 2**10
MAX_LOG_BYTES = 8 * 2**20
SPARE_FILES = 30
"""Connections of users and between services vary."""


class Attack(Protocol):
    """One wave of an attack. It may end early when target.stop is set. Returns how often each outcome occurred."""

    def __call__(self, target: Target, *arguments: Any) -> Counter[str]: ...


class Trial:
    """Attacks one system, as often as `run` is called."""

    def __init__(self, system: Launched) -> None:
        self.peaks_mib: Mapping[str, int] = {}
        """The most memory that each service had during the last attack."""
        self._system = system

    def run(self, attack: Attack, *arguments: Any) -> tuple[Counter[str], list[dict[str, Any]]]:
        """Repeats the attack until the users have sent their photos, then looks whether all is as before.

        Returns:
            How often attackers had each outcome, and the log entries that were written meanwhile.
        """
        system, pids = self._system, roots(self._system)
        answer, limit = system.answer(PHOTO), max(MAX_SECONDS, MAX_SLOWDOWN * self.usual_seconds())
        logs, files = NewLines(system), _open_files(pids)
        services = {name: pids[name] for name in SERVICES}
        with PeakMemory(services) as memory, Users(system) as users, _attackers(system, attack, arguments) as attackers:
            begun, end = time.monotonic(), time.monotonic() + MAX_ATTACK_SECONDS
            while time.monotonic() < end and not (attackers.waves and len(users.since(begun)) >= PHOTOS):
                time.sleep(0.05)
        assert roots(system) == pids, f"a service has ended: {how_it_ended(system)}"
        system.wait_ready()
        assert system.answer(PHOTO) == answer
        wait_until(lambda: _open_files(pids) <= files + SPARE_FILES, 60, "the end of the attackers' connections")
        _require_in_time(users.since(begun), limit)
        self.peaks_mib = {name: peak >> 20 for name, peak in memory.peaks.items()}
        assert all(peak < MAX_MEMORY_MIB[name] for name, peak in self.peaks_mib.items()), self.peaks_mib
        assert attackers.outcomes, "the attackers were kept waiting"
        return attackers.outcomes, _required_entries(logs)

    def usual_seconds(self) -> float:
        """Returns the median time of a user's photo while nobody attacks."""
        with Users(self._system) as users:
            wait_until(lambda: len(users.answers) >= USUAL_PHOTOS, 120, "the users' photos before the attack")
        assert {answer.outcome for answer in users.answers} == {OK}, users.answers
        return statistics.median(answer.seconds for answer in users.answers)


class _Attackers:
    def __init__(self, outcomes: Counter[str], waves: Any) -> None:
        self.outcomes = outcomes
        self._waves = waves

    @property
    def waves(self) -> int:
        """How many waves are over."""
        return int(self._waves.value)


@contextmanager
def _attackers(system: Launched, attack: Attack, arguments: tuple[Any, ...]) -> Iterator[_Attackers]:
    """Runs waves of the attack, one after the other, until the block ends. Begins when the first one has."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([over_http.__name__, over_grpc.__name__])
    target = target_of(system, context.Event())
    ready, waves = context.Event(), context.Value("i", 0)
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(target, attack, arguments, ready, waves, sender))
    process.start()
    sender.close()
    outcomes: Counter[str] = Counter()
    try:
        assert ready.wait(60), "the attackers do not begin"
        yield _Attackers(outcomes, waves)
        target.stop.set()
        if receiver.poll(MAX_WAVE_SECONDS):
            outcomes.update(receiver.recv())
    finally:
        process.kill()
        process.join()


def _run(target: Target, attack: Attack, arguments: tuple[Any, ...], ready: Event, waves: Any, sender: Any) -> None:
    os.nice(NICENESS)
    outcomes: Counter[str] = Counter()
    ready.set()
    while not target.stop.wait(PAUSE_SECONDS):
        outcomes += attack(target, *arguments)
        waves.value += 1
    sender.send(outcomes)


def _open_files(pids: Mapping[str, int]) -> int:
    return sum(open_files(pids[name]) for name in SERVICES)


def _require_in_time(answers: list[Answer], limit: float) -> None:
    late = [answer for answer in answers if answer.outcome != OK or answer.seconds > limit]
    share = 1 - len(late) / len(answers)
    kinds = Counter(answer.outcome for answer in late)
    slowest = max(answer.seconds for answer in answers)
    assert share >= MIN_SHARE_IN_TIME, (
        f"{share:.0%} of {len(answers)} photos were answered within {limit:.1f} s; slowest {slowest:.1f} s; {kinds}"
    )


def _required_entries(logs: NewLines) -> list[dict[str, Any]]:
    entries, lines = logs.entries(), logs.lines()
    assert max(map(len, lines), default=0) <= MAX_LINE_BYTES
    assert sum(map(len, lines)) <= MAX_LOG_BYTES
    return entries
