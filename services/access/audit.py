"""What is written down about keys: who did what to which, and which keys were refused. No clock, no database.

A refused call is not written down for itself: a thousand wrong keys a second would fill the database. The first one is,
and then no more than one entry an hour that says how many there were.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from services.access.keys import Scope

PERIOD_SECONDS = 3600.0
"""How long refusals of one kind are counted before they are written down again."""

UNKNOWN = "unknown"
"""Who calls with a key that does not exist."""


class Action(StrEnum):
    """What was done."""

    MAKE = "key made"
    ROTATE = "key rotated"
    REVOKE = "key revoked"
    REFUSE = "key refused"


@dataclass(frozen=True)
class Entry:
    """One entry. It holds no secret."""

    who: str
    """The user of the operating system who ran a command; for a refused call, “key” and the id of the key, or
    UNKNOWN."""

    place: str
    """Program and host, such as “web on 5e0c2d”."""

    action: Action

    subject: str
    """The id of the key that was changed; for a refused call, the scope that it needed."""

    result: str = "done"
    """“done”, or the reason of the refusal."""

    details: Mapping[str, str | int] = field(default_factory=dict)

    at: datetime | None = None
    """When, by the clock of the database, which sets it when it takes the entry."""

    def as_json(self) -> dict[str, Any]:
        """Returns what JSON has of it; the time in RFC 3339, and None before the database has set it."""
        return asdict(self) | {"at": self.at.isoformat(timespec="seconds") if self.at else None}


def key_user(key: str) -> str:
    """Returns how the audit names who calls with a key."""
    return f"key {key}"


class Refusal(NamedTuple):
    """A kind of refused calls. There are no more of them than keys, scopes and reasons, whoever calls how often."""

    key: str | None
    """Id of the key; None if there is no such key."""

    scope: Scope
    reason: str

    def entry(self, place: str, count: int) -> Entry:
        """Returns what is written down about so many calls."""
        who = key_user(self.key) if self.key else UNKNOWN
        return Entry(who, place, Action.REFUSE, str(self.scope), self.reason, {"calls": count})


class Refusals:
    """Counts refused calls until they are written down. Times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._counts: dict[Refusal, int] = {}
        self._next: dict[Refusal, float] = {}

    def count(self, refusal: Refusal, calls: int = 1) -> None:
        """Adds calls that were refused."""
        self._counts[refusal] = self._counts.get(refusal, 0) + calls

    def take(self, now: float) -> Mapping[Refusal, int]:
        """Returns the counts that may be written down now, and begins to count anew."""
        self._next = {refusal: moment for refusal, moment in self._next.items() if moment > now}
        taken = {refusal: count for refusal, count in self._counts.items() if refusal not in self._next}
        for refusal in taken:
            del self._counts[refusal]
            self._next[refusal] = now + PERIOD_SECONDS
        return taken

    def take_all(self) -> Mapping[Refusal, int]:
        """Returns all counts: the process ends."""
        taken, self._counts = self._counts, {}
        return taken

    def give_back(self, taken: Mapping[Refusal, int]) -> None:
        """Counts again what could not be written down."""
        for refusal, calls in taken.items():
            self.count(refusal, calls)
            self._next.pop(refusal, None)
