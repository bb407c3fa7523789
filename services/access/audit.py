"""What is written down: who did what to keys and versions, whose keys were refused, who signed in. It has no clock and
no database.

A refused call or a sign-in is not written down for itself: a thousand a second would fill the database. The first one
is, and then no more than one entry an hour that says how many there were.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

PERIOD_SECONDS = 3600.0
"""How long attempts of one kind are counted before they are written down again."""

UNKNOWN = "unknown"
"""Who calls with a key that does not exist."""


class Action(StrEnum):
    """What was done."""

    MAKE = "key made"
    ROTATE = "key rotated"
    REVOKE = "key revoked"
    REFUSE = "key refused"
    LINK = "sign-in link made"
    SIGN_IN = "sign-in"

    # of versions of the model, as inference finds them in MLflow
    PROMOTE = "version promoted"
    ROLLBACK = "version rolled back"
    TRAIN = "model trained"
    IMPORT = "release imported"
    MOVE = "alias moved outside Verger"

    # of the collection, which sends them here
    LABEL = "photos labelled"
    UNDO = "labels undone"
    DELETE = "photo deleted"
    EXPIRE = "photo expired"
    DATASET = "dataset made"


DONE = "done"
"""The result of what succeeded."""

PAGE = "page"
"""What people sign in to."""


@dataclass(frozen=True)
class Entry:
    """One entry. It holds no secret."""

    who: str
    """The operator who ran a command; for a refused call, “key” and the id of the key; UNKNOWN if there is no such key,
    and for a move outside of Verger."""

    place: str
    """Program and host, such as “web on 5e0c2d”."""

    action: Action

    subject: str
    """The id of the key that was changed; for a refused call, the scope that it needed; PAGE for a sign-in; a model and
    its version or alias."""

    result: str = DONE
    """DONE, or the reason of the refusal."""

    details: Mapping[str, str | int] = field(default_factory=dict)

    at: datetime | None = None
    """When, by the clock of the database, which sets it when it takes the entry."""

    def as_json(self) -> dict[str, Any]:
        """Returns what JSON has of it; the time in RFC 3339, and None before the database has set it."""
        return asdict(self) | {"at": self.at.isoformat(timespec="seconds") if self.at else None}


def key_user(key: str) -> str:
    """Returns how the audit names who calls with a key."""
    return f"key {key}"


class Search(NamedTuple):
    """Which entries are wanted, newest first."""

    action: Action | None = None
    """Of this kind alone."""

    who: str = ""
    """By those whose name contains this text, in whichever case."""

    before: int | None = None
    """Older than the entry with this number."""


class Attempt(NamedTuple):
    """A kind of refused calls or of sign-ins. There are no more of them than keys, scopes and reasons, whoever calls
    how often.
    """

    key: str | None
    """Id of the key; None if there is no such key."""

    subject: str
    result: str
    action: Action = Action.REFUSE

    def entry(self, place: str, count: int) -> Entry:
        """Returns what is written down about so many of them."""
        who = key_user(self.key) if self.key else UNKNOWN
        return Entry(who, place, self.action, str(self.subject), self.result, {"calls": count})


class Attempts:
    """Counts refused calls and sign-ins until they are written down. Times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._counts: dict[Attempt, int] = {}
        self._next: dict[Attempt, float] = {}

    def count(self, attempt: Attempt, calls: int = 1) -> None:
        """Adds attempts."""
        self._counts[attempt] = self._counts.get(attempt, 0) + calls

    def take(self, now: float) -> Mapping[Attempt, int]:
        """Returns the counts that may be written down now, and begins to count anew."""
        self._next = {attempt: moment for attempt, moment in self._next.items() if moment > now}
        taken = {attempt: count for attempt, count in self._counts.items() if attempt not in self._next}
        for attempt in taken:
            del self._counts[attempt]
            self._next[attempt] = now + PERIOD_SECONDS
        return taken

    def take_all(self) -> Mapping[Attempt, int]:
        """Returns all counts: the process ends."""
        taken, self._counts = self._counts, {}
        return taken

    def give_back(self, taken: Mapping[Attempt, int]) -> None:
        """Counts again what could not be written down."""
        for attempt, calls in taken.items():
            self.count(attempt, calls)
            self._next.pop(attempt, None)
