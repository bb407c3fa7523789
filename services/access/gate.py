"""Admits calls by the keys that this process knows, and keeps what it knows up to date.

All keys are in memory. A call is compared with them and never asks the database, unless its key is not among them.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Self

import structlog

from services.access.audit import Entry, Refusal, Refusals
from services.access.keys import Key, Scope, check, find, presented
from services.common.errors import AccessUnavailable, KeyExpired, KeyRevoked, KeyUnknown, ScopeMissing

if TYPE_CHECKING:
    from services.access.store import KeyStore

log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0
"""How often the database is asked whether keys have changed."""

MIN_PAUSE_SECONDS = 0.2
"""Pause after each time, however many calls come with keys that are not known. They wait for the next time together,
so that a new key is valid at once and a thousand wrong ones a second cost the database nothing."""

MAX_AGE_SECONDS = 4.0
"""How old what is known may be for calls that change something. Past this, they wait for the database or fail."""

MAX_CLASSIFY_AGE_SECONDS = 600.0
"""How old it may be for classification, which goes on for so long while the database is away."""

RECORD_SECONDS = 30.0
"""How often the last uses of keys are written down, and refusals looked at."""


class Gate:
    """Checks keys. `async with` keeps it up to date; before its first answer from the database it admits nobody."""

    def __init__(self, store: "KeyStore") -> None:
        self._store = store
        self._keys: Mapping[str, Key] = {}
        self._revision: int | None = None
        self._asked_at = float("-inf")
        self._database_time = datetime.min.replace(tzinfo=UTC)
        self._is_away = False
        self._uses: dict[str, datetime] = {}
        self._refusals = Refusals()
        self._recorded_at = time.monotonic()
        self._wanted = asyncio.Event()
        self._answer: asyncio.Future[None]

    async def __aenter__(self) -> Self:
        self._answer = asyncio.get_running_loop().create_future()
        self._wanted.set()
        self._following = asyncio.create_task(self._follow())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._following.cancel()
        with suppress(asyncio.CancelledError):
            await self._following
        await self._record_uses()
        await self._record_refusals(self._refusals.take_all())

    async def admit(self, authorization: Sequence[str], scope: Scope) -> Key:
        """Returns the key in the Authorization headers of a call if it may be used for the scope.

        Raises:
            KeyMissing, KeyUnknown, KeyExpired, KeyRevoked, ScopeMissing: it may not.
            AccessUnavailable: the database is away, and what is known is too old or does not contain the key.
        """
        text = presented(authorization)
        key = find(text, self._keys)
        max_age = MAX_CLASSIFY_AGE_SECONDS if scope is Scope.CLASSIFY else MAX_AGE_SECONDS
        if key is None or time.monotonic() - self._asked_at > max_age:
            await self._ask()
            key = find(text, self._keys)
        if key is not None:
            structlog.contextvars.bind_contextvars(key=key.id)  # for all further lines of this call, refused or not
        now = self._database_time + timedelta(seconds=time.monotonic() - self._asked_at)
        try:
            admitted = check(key, scope, now)
        except (KeyUnknown, KeyExpired, KeyRevoked, ScopeMissing) as refused:
            self._refusals.count(Refusal(key.id if key else None, scope, refused.reason))
            raise
        self._uses[admitted.id] = now
        return admitted

    async def _ask(self) -> None:
        """Waits until the database has answered a question that was asked after this call."""
        called_at = time.monotonic()
        self._wanted.set()
        await asyncio.shield(self._answer)
        if self._asked_at < called_at:
            raise AccessUnavailable("Keys can't be checked at the moment. Try again in a few seconds.")

    async def _follow(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), POLL_SECONDS)
            self._wanted.clear()
            answer, self._answer = self._answer, asyncio.get_running_loop().create_future()
            await self._load()
            answer.set_result(None)
            if time.monotonic() - self._recorded_at > RECORD_SECONDS:
                self._recorded_at = time.monotonic()
                await self._record_uses()
                await self._record_refusals(self._refusals.take(self._recorded_at))
            await asyncio.sleep(MIN_PAUSE_SECONDS)

    async def _load(self) -> None:
        asked_at = time.monotonic()
        try:
            loaded = await asyncio.to_thread(self._store.load, self._revision)
        except Exception as error:  # whatever it is, calls that wait must be answered, and the next time may succeed
            if not self._is_away:
                log.warning("the database of keys does not answer", error=type(error).__name__, message=str(error))
            self._is_away = True
            return
        if self._is_away:
            log.info("the database of keys answers again")
        self._is_away = False
        self._asked_at, self._database_time, self._revision = asked_at, loaded.now, loaded.revision
        if loaded.keys is not None:
            self._keys = loaded.keys
        for change in loaded.changes:
            _log_entry(change)

    async def _record_uses(self) -> None:
        uses, self._uses = self._uses, {}
        if not uses:
            return
        try:
            await asyncio.to_thread(self._store.record_uses, uses)
        except Exception as error:
            log.warning("the last uses of keys were not written down", error=type(error).__name__)
            self._uses = uses | self._uses

    async def _record_refusals(self, taken: Mapping[Refusal, int]) -> None:
        entries = [refusal.entry(self._store.place, calls) for refusal, calls in taken.items()]
        if not entries:
            return
        try:
            await asyncio.to_thread(self._store.write, entries)
        except Exception as error:
            log.warning("refused keys were not written down", error=type(error).__name__)
            self._refusals.give_back(taken)
            return
        for entry in entries:
            _log_entry(entry)


def _log_entry(entry: Entry) -> None:
    log.info("audit", **entry.as_json())
