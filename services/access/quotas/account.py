"""What a process knows of one limit of one caller. No clock, no database, no network."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.access.quotas.policy import WINDOW_SECONDS

PORTIONS = 100
"""Parts of a limit. A process takes one of them at a time from the database, and gives it out by itself. So most calls
wait for nothing, and each process can be wrong by one part at most."""


class Wanted(NamedTuple):
    """What a process asks for."""

    amounts: Sequence[int]
    """Of the calls that wait for them, in the order in which they came."""

    fill: int
    """What it would like to have at least, for the calls after these."""

    limit: int


class Granted(NamedTuple):
    """What it gets."""

    amount: int
    """For those calls that need no more than is left, and as much as the process would like if all of them are among
    these. What is left for none of them stays where other processes can take it."""

    left: int
    seconds: float
    """Until more is left."""


@dataclass
class Account:
    """One limit of one caller. Times are seconds of one monotonic clock."""

    limit: int
    """Photos or bytes within a minute."""

    _balance: int = 0
    _balance_ends_at: float = float("-inf")
    _left: int | None = None
    _grows_at: float = float("-inf")

    @property
    def portion(self) -> int:
        """What a process takes at a time: a hundredth of the limit, and at least 1."""
        return max(1, self.limit // PORTIONS)

    def balance(self, now: float) -> int:
        """Returns what was taken from the database and not given out. It lapses with the minute that it counts for."""
        return self._balance if now < self._balance_ends_at else 0

    def fill(self, now: float) -> int:
        """Returns what the balance lacks of a portion."""
        return max(0, self.portion - self.balance(now))

    def is_spent(self, now: float) -> bool:
        """Whether the next portion may be taken before a call waits for it: the balance is empty, more is left, and
        taking 1 too many is no more than a portion.
        """
        return self.limit >= PORTIONS and not self.balance(now) and bool(self._left)

    def remaining(self, now: float) -> int:
        """Returns what may still be given out, as far as this process knows."""
        if self._left is None or self.is_idle(now):
            return self.limit
        return self.balance(now) + self._left

    def seconds_to_growth(self, now: float) -> float | None:
        """Returns when `remaining` grows; None if that is not known."""
        return self._grows_at - now if now < self._grows_at else None

    def is_exhausted(self, amount: int, now: float) -> bool:
        """Whether it is certain that this amount can't be had before `remaining` grows. Others can only lessen it."""
        return self._left is not None and now < self._grows_at and amount > self.remaining(now)

    def is_idle(self, now: float) -> bool:
        """Whether nothing is known that a new account would not know."""
        return now >= max(self._balance_ends_at, self._grows_at)

    def add(self, granted: Granted, now: float) -> None:
        """Adds what the database has granted."""
        if granted.amount:
            self._balance, self._balance_ends_at = self.balance(now) + granted.amount, now + WINDOW_SECONDS
        self._left, self._grows_at = granted.left, now + granted.seconds

    def spend(self, amount: int, now: float) -> None:
        """Gives out an amount, at most the balance."""
        self._balance = self.balance(now) - amount
