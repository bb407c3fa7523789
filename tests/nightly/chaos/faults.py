"""What is done to a process of a running system. Each fault is a block, during which the process suffers."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager

from tests.support.systems.processes import family

STOPPED_SECONDS = 5.0
STARVED_SECONDS = 10.0
PERIOD_SECONDS = 0.1
SHARE = 0.1
"""A starved process runs for a tenth of each period of 0.1 s."""

Fault = Callable[[int], AbstractContextManager[float]]
"""Takes a process. The block begins with the fault; it is to last for the seconds that are yielded."""


@contextmanager
def killed(pid: int) -> Iterator[float]:
    """SIGKILL: nothing can be finished. The block needs to last no time."""
    os.kill(pid, signal.SIGKILL)
    yield 0


@contextmanager
def stopped(pid: int) -> Iterator[float]:
    """SIGSTOP for some seconds: connections stay open, and nobody answers."""
    members = family(pid)
    _send(members, signal.SIGSTOP)
    try:
        yield STOPPED_SECONDS
    finally:
        _send(members, signal.SIGCONT)


@contextmanager
def starved(pid: int) -> Iterator[float]:
    """Next to no processor time for some seconds: the process is stopped and continued ten times a second."""
    members, end = family(pid), threading.Event()

    def starve() -> None:
        while not end.wait(PERIOD_SECONDS * SHARE):
            _send(members, signal.SIGSTOP)
            end.wait(PERIOD_SECONDS * (1 - SHARE))
            _send(members, signal.SIGCONT)

    thread = threading.Thread(target=starve)
    thread.start()
    try:
        yield STARVED_SECONDS
    finally:
        end.set()
        thread.join()


FAULTS: Mapping[str, Fault] = {"killed": killed, "stopped for 5 s": stopped, "a tenth of its time for 10 s": starved}


def _send(members: Sequence[int], number: signal.Signals) -> None:
    for member in members:
        os.kill(member, number)
