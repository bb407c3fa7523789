"""Counts in the database of keys what was taken of each limit within the last minute, for all processes together."""

from collections.abc import Mapping, Sequence
from typing import Any

from limits import RateLimitItemPerMinute
from limits.storage import MovingWindowSupport, Storage
from limits.strategies import MovingWindowRateLimiter
from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, literal_column, select
from sqlalchemy.exc import SQLAlchemyError

from services.access.quotas.account import Granted, Wanted
from services.access.quotas.policy import WINDOW_SECONDS
from services.access.tables import QUOTAS

_CLOCKS: Mapping[str, ColumnElement[float]] = {
    "sqlite": literal_column("(julianday('now') - 2440587.5) * 86400.0"),
    "postgresql": literal_column("extract(epoch FROM clock_timestamp())"),
}
"""The database's own clock in seconds since 1970, so that the clocks of machines need not agree."""

# These are made once, because making them takes as long as running them.
_QUESTIONS = {name: select(clock) for name, clock in _CLOCKS.items()}
_TAKEN = (
    select(QUOTAS.c.account, func.min(QUOTAS.c.at), func.sum(QUOTAS.c.amount))
    .where(QUOTAS.c.account.in_(bindparam("keys", expanding=True)), QUOTAS.c.at > bindparam("start"))
    .group_by(QUOTAS.c.account)
)
_TAKE = insert(QUOTAS)
_FORGET = delete(QUOTAS).where(QUOTAS.c.at <= bindparam("start"))


def grant(connection: Connection, wanted: Mapping[tuple[str, ...], Wanted]) -> dict[tuple[str, ...], Granted]:
    """Takes amounts of limits, by the names of their accounts. No other process may do so meanwhile."""
    items = {account: RateLimitItemPerMinute(asked.limit) for account, asked in wanted.items()}
    windows = _Windows(connection, [item.key_for(*account) for account, item in items.items()])
    limiter, granted = MovingWindowRateLimiter(windows), {}
    for account, asked in wanted.items():
        item = items[account]
        before = limiter.get_window_stats(item, *account)
        amount = _share(asked, before.remaining)
        if amount:
            limiter.hit(item, *account, cost=amount)
        granted[account] = Granted(amount, before.remaining - amount, before.reset_time - windows.now)
    windows.write()
    return granted


def forget(connection: Connection) -> None:
    """Deletes what no window contains any more."""
    connection.execute(_FORGET, {"start": _now(connection) - WINDOW_SECONDS})


def _now(connection: Connection) -> float:
    return float(connection.execute(_QUESTIONS[connection.dialect.name]).scalar_one())


def _share(asked: Wanted, remaining: int) -> int:
    total = 0
    for amount in asked.amounts:
        total += amount if total + amount <= remaining else 0
    return min(max(total, asked.fill), remaining) if total == sum(asked.amounts) else total


class _Windows(Storage, MovingWindowSupport):
    """A storage of the library `limits` for moving windows, for the time of one transaction. It asks the database once
    for all of them, and writes once.
    """

    STORAGE_SCHEME = None
    base_exceptions = SQLAlchemyError

    def __init__(self, connection: Connection, keys: Sequence[str]) -> None:
        super().__init__()
        self._connection, self.now = connection, _now(connection)
        taken = connection.execute(_TAKEN, {"keys": keys, "start": self.now - WINDOW_SECONDS})
        self._windows = {key: (float(start), int(amount)) for key, start, amount in taken}
        self._rows: list[dict[str, Any]] = []

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        start, taken = self.get_moving_window(key, limit, expiry)
        if taken + amount > limit:
            return False
        self._windows[key] = (start, taken + amount)
        self._rows.append({"account": key, "at": self.now, "amount": amount})
        return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:  # noqa: ARG002
        return self._windows.get(key, (self.now, 0))

    def write(self) -> None:
        """Writes down what was taken."""
        if self._rows:
            self._connection.execute(_TAKE, self._rows)

    def _not_needed(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError("This storage counts moving windows alone.")

    incr = get = get_expiry = check = reset = clear = _not_needed
