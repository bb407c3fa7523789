"""What users and health checks notice of a fault."""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from services.common.process.health import problem_with
from tests.support.systems.launched import Launched
from tests.support.systems.users import OK, Answer, Users
from tests.support.waiting import wait_until

QUIET_SECONDS = 5.0
"""A fault is over when all photos have been answered, and all health checks were good, for so long."""

MAX_RECOVERY_SECONDS = 180.0
CHECK_SECONDS = 0.25

REFUSED = {"OVERLOADED", "UNAVAILABLE", "INFERENCE_UNAVAILABLE", "MODEL_NOT_LOADED"}
"""Answers that tell a client to try again."""


@dataclass(frozen=True)
class Noticed:
    """What was noticed of one fault. Seconds count from its end; a kill ends at once."""

    what: str
    photos: int
    refused: int
    failed: Counter[str]
    slowest_seconds: float
    photos_again_seconds: float
    healthy_again_seconds: float


class Health:
    """Asks health checks until the block ends. sick_at: when one last began that found a problem."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self.sick_at = dict.fromkeys(addresses, 0.0)
        self._addresses = addresses
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=[name]) for name in addresses]

    def __enter__(self) -> "Health":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, name: str) -> None:
        while not self._stop.wait(CHECK_SECONDS):
            begun = time.monotonic()
            if _is_sick(self._addresses[name]):
                self.sick_at[name] = begun


def _is_sick(address: str) -> bool:
    try:
        return problem_with(address) is not None
    except http.client.HTTPException:  # the server ended within its answer
        return True


def health_of(system: Launched) -> Health:
    """Returns the health checks of all programs of a system."""
    return Health(
        {
            "web": f"{system.web}/healthz",
            "preprocess": f"grpc://{system.preprocess}/verger.v1.ClassifierService",
            "inference": f"grpc://{system.inference}/verger.v1.InferenceService",
            "mlflow": f"{system.mlflow}/health",
        }
    )


class Observation:
    """Users and health checks beside one fault."""

    def __init__(self, what: str, users: Users, health: Health) -> None:
        self._what, self._users, self._health = what, users, health
        self._begun = time.monotonic()
        self._ended = 0.0

    def last(self, seconds: float) -> None:
        """Lets the fault last for so long from its begin."""
        time.sleep(max(0.0, self._begun + seconds - time.monotonic()))

    def end(self) -> None:
        """Says that the fault ends now. Waits until nobody has noticed anything for QUIET_SECONDS."""
        self._ended = time.monotonic()
        wait_until(lambda: time.monotonic() - self._last_trouble() > QUIET_SECONDS, MAX_RECOVERY_SECONDS, "recovery")

    def noticed(self) -> Noticed:
        """Returns what was noticed."""
        answers = self._users.since(self._begun)
        wrong = [answer for answer in answers if answer.outcome != OK]
        refused = [answer for answer in wrong if answer.outcome in REFUSED]
        return Noticed(
            self._what,
            len(answers),
            len(refused),
            Counter(answer.outcome for answer in wrong if answer.outcome not in REFUSED),
            max(answer.seconds for answer in answers),
            max(0.0, max((_end_of(answer) for answer in wrong), default=0.0) - self._ended),
            max(0.0, max(self._health.sick_at.values()) - self._ended),
        )

    def _last_trouble(self) -> float:
        wrong = [_end_of(answer) for answer in self._users.since(self._begun) if answer.outcome != OK]
        return max([self._ended, *wrong, *self._health.sick_at.values()])


def _end_of(answer: Answer) -> float:
    return answer.begun + answer.seconds


@contextmanager
def observed(system: Launched, what: str) -> Iterator[Observation]:
    """Watches users and health while the block runs, in which a fault begins and ends."""
    with Users(system) as users, health_of(system) as health:
        wait_until(lambda: len(users.answers) > 20, what="the users' first photos")
        yield Observation(what, users, health)
