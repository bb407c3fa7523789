"""What attackers know of a system, and what they have in common."""

import socket
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.synchronize import Event

from tests.support.systems.system import System

ADDRESS = "127.0.0.66"
"""Attackers over HTTP come from one address of their own."""


@dataclass(frozen=True)
class Target:
    """The ports of the system, and whether the attack is to end. It can be sent to another process."""

    web_port: int
    preprocess_port: int
    stop: Event

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def preprocess(self) -> str:
        return f"127.0.0.1:{self.preprocess_port}"

    def hold(self, condition: Callable[[], object], seconds: float) -> None:
        """Waits while the condition is true, until the attack is to end, and no longer than `seconds`."""
        end = time.monotonic() + seconds
        while condition() and not self.stop.wait(0.1) and time.monotonic() < end:
            pass


def target_of(system: System, stop: Event) -> Target:
    """Returns what attackers know of a system."""
    return Target(system.ports["VERGER_WEB_PORT"], system.ports["VERGER_PREPROCESS_PORT"], stop)


def is_closed(connection: socket.socket) -> bool:
    """Throws away what has arrived, and returns whether the other end has closed the connection."""
    timeout = connection.gettimeout()
    connection.setblocking(False)
    try:
        while connection.recv(2**16):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        connection.settimeout(timeout)
    return True


def at_once(count: int, attack: Callable[[], str]) -> Counter[str]:
    """Runs `count` attackers at the same time. Returns how often each outcome occurred."""
    with ThreadPoolExecutor(count) as threads:
        return Counter(threads.map(lambda _: attack(), range(count)))
