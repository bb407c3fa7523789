"""Counts photos, bytes and calls of all callers, and refuses those that are too many."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

import prometheus_client
import structlog

from services.access.quotas.account import Account, Wanted
from services.access.quotas.policy import (
    BYTES,
    CALLS,
    PHOTOS,
    WINDOW_SECONDS,
    Caller,
    Policy,
    Remaining,
    rate_limit_fields,
)
from services.common.errors import QuotaExceeded, QuotaTooSmall

if TYPE_CHECKING:
    from services.access.store import KeyStore

log = structlog.get_logger(__name__)

RETRY_SECONDS = 1.0
"""Pause before the database is asked again after it did not answer. Calls go on meanwhile, and nobody counts them."""

REFUSALS = prometheus_client.Counter(
    "verger_quota_refusals_total", "Calls that were refused because of a quota", ["caller", "quota"]
)
UNCOUNTED = prometheus_client.Counter(
    "verger_quota_uncounted_total", "Calls that were answered uncounted because the database of keys is away"
)

_Name = tuple[str, ...]


class Quotas:
    """Limits what callers may have, for all processes with the same database together; calls at once, which take the
    memory and the places of one process, for each process alone.

    All calls that need something from the database at the same time share one transaction. While the database is away,
    calls go on uncounted: quotas share the service out and protect nothing that is secret, and places (capacity/)
    still keep one client from shutting the others out.
    """

    def __init__(self, store: "KeyStore", policy: Policy) -> None:
        self._store, self._policy = store, policy
        self._accounts: dict[_Name, Account] = {}
        self._calls: Counter[Caller] = Counter()
        self._wanted: dict[_Name, list[int]] = {}
        self._asked = asyncio.Event()
        self._is_away = False
        self._swept_at = time.monotonic()
        self._answer: asyncio.Future[None]

    async def __aenter__(self) -> Self:
        self._answer = asyncio.get_running_loop().create_future()
        self._taking = asyncio.create_task(self._take_for_all())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._taking.cancel()
        with suppress(asyncio.CancelledError):
            await self._taking

    @contextmanager
    def call(self, caller: Caller) -> Iterator[None]:
        """Counts a call while the block runs.

        Raises:
            QuotaExceeded: the caller has as many calls at once as it may.
        """
        limit = self._policy.of(caller).calls
        if limit and self._calls[caller] >= limit:
            text = f"This {caller.kind} may have {limit:,} calls at once. Wait for an answer, then send the next one."
            raise self._refusal(caller, CALLS, text, 1.0)
        self._calls[caller] += 1
        try:
            yield
        finally:
            self._calls[caller] -= 1
            if not self._calls[caller]:
                del self._calls[caller]

    def check(self, caller: Caller) -> None:
        """Refuses a caller that has certainly nothing left, before its photo is read.

        Raises:
            QuotaExceeded: there is nothing left.
        """
        self._refuse_exhausted(caller, {PHOTOS: 1, BYTES: 1}, time.monotonic())

    async def take(self, caller: Caller, photos: int, size_bytes: int) -> None:
        """Counts photos with so many bytes together.

        Raises:
            QuotaExceeded: the caller has sent as much as it may for now. Nothing was counted.
            QuotaTooSmall: it may never send so much at once.
        """
        limits, needs = self._policy.of(caller), {PHOTOS: photos, BYTES: size_bytes}
        needs = {name: amount for name, amount in needs.items() if amount and limits.of(name)}
        for name, amount in needs.items():
            if amount > (limit := limits.of(name)):
                text = f"This {caller.kind} may send {limit:,} {name} a minute, and this is more. Send less at once."
                raise QuotaTooSmall(text)
        while True:
            now = time.monotonic()
            self._refuse_exhausted(caller, needs, now)
            missing = {name: amount - self._account(caller, name).balance(now) for name, amount in needs.items()}
            if max(missing.values(), default=0) <= 0:
                break
            self._want(caller, missing)
            if not self._is_away:
                await asyncio.shield(self._answer)
            if self._is_away:
                UNCOUNTED.inc()
                return
        for name, amount in needs.items():
            account = self._account(caller, name)
            account.spend(amount, now)
            if account.is_spent(now):
                self._want(caller, {})  # so that the next call need not wait for it

    def fields(self, caller: Caller) -> dict[str, str]:
        """Returns the RateLimit header fields of an answer to this caller."""
        limits, now = self._policy.of(caller), time.monotonic()
        remaining = []
        for name in (PHOTOS, BYTES):
            if limits.of(name):
                account = self._account(caller, name)
                remaining.append(Remaining(name, account.remaining(now), account.seconds_to_growth(now)))
        if limits.calls:
            remaining.append(Remaining(CALLS, max(0, limits.calls - self._calls[caller])))
        return rate_limit_fields(limits, remaining)

    def _account(self, caller: Caller, name: str) -> Account:
        key = (name, *caller)
        if key not in self._accounts:
            self._accounts[key] = Account(self._policy.of(caller).of(name))
        return self._accounts[key]

    def _refuse_exhausted(self, caller: Caller, needs: Mapping[str, int], now: float) -> None:
        limits = self._policy.of(caller)
        for name, amount in needs.items():
            account = self._account(caller, name) if limits.of(name) else None
            if account and account.is_exhausted(amount, now) and not self._is_away:
                seconds = account.seconds_to_growth(now) or 0.0
                text = f"This {caller.kind} may send {account.limit:,} {name} a minute. "
                text += f"Wait {math.ceil(seconds)} s, then send it again."
                raise self._refusal(caller, name, text, seconds)

    def _refusal(self, caller: Caller, name: str, text: str, seconds: float) -> QuotaExceeded:
        REFUSALS.labels(caller.kind, name).inc()
        error = QuotaExceeded(text, quota=name)
        error.retry_after_seconds, error.fields = max(seconds, 0.001), self.fields(caller)
        return error

    def _want(self, caller: Caller, missing: Mapping[str, int]) -> None:
        """Asks for what is missing with the next transaction, and for a portion of each limit of the caller."""
        limits = self._policy.of(caller)
        for name in (PHOTOS, BYTES):
            if limits.of(name):
                self._account(caller, name)
                waiting = self._wanted.setdefault((name, *caller), [])
                if missing.get(name, 0) > 0 and not self._is_away:  # nobody waits while it is away
                    waiting.append(missing[name])
        self._asked.set()

    async def _take_for_all(self) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            answer, self._answer = self._answer, asyncio.get_running_loop().create_future()
            try:
                granted = await asyncio.to_thread(self._store.take, self._take_wanted())
            except Exception as error:  # whatever it is, calls that wait must go on, and the next time may succeed
                if not self._is_away:
                    log.warning("calls are not counted", error=type(error).__name__, message=str(error))
                self._is_away = True
                later, self._answer = self._answer, asyncio.get_running_loop().create_future()
                for waiting in (answer, later):
                    waiting.set_result(None)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if self._is_away:
                log.info("calls are counted again")
            self._is_away = False
            for name, each in granted.items():
                self._accounts[name].add(each, time.monotonic())
            answer.set_result(None)
            await self._sweep(time.monotonic())

    def _take_wanted(self) -> dict[_Name, Wanted]:
        """Returns what is asked for, and forgets it."""
        wanted, self._wanted, now = self._wanted, {}, time.monotonic()
        accounts = {name: self._accounts[name] for name in wanted}
        return {name: Wanted(wanted[name], each.fill(now), each.limit) for name, each in accounts.items()}

    async def _sweep(self, now: float) -> None:
        """Once a minute, forgets who has sent nothing for a minute."""
        if now - self._swept_at <= WINDOW_SECONDS:
            return
        self._swept_at = now
        kept = {name: account for name, account in self._accounts.items() if not account.is_idle(now)}
        self._accounts = kept | {name: self._accounts[name] for name in self._wanted}
        with suppress(Exception):  # the next time will do
            await asyncio.to_thread(self._store.forget_taken)
