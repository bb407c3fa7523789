"""Admits calls by the keys and sessions that this process knows, and keeps what it knows up to date.

All of them are in memory. A call is compared with them and never asks the database, unless what it presents is not
among them.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

import structlog

from services.access.audit import DONE, PAGE, Action, Attempt, Attempts, Entry, Search
from services.access.keys import Key, Scope, check, digest_of, find, presented
from services.access.sessions import Link, Session, looks_like_link, new_token
from services.common.errors import (
    AccessUnavailable,
    KeyExpired,
    KeyRevoked,
    KeyUnknown,
    LinkSpent,
    ScopeMissing,
    SessionEnded,
)

if TYPE_CHECKING:
    from services.access.store import KeyStore

log = structlog.get_logger(__name__)

_Found = TypeVar("_Found", Key, Session, Link)
_Changed = TypeVar("_Changed")

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
    """Checks keys and sessions. `async with` keeps them up to date; before the database's first answer, nobody is
    admitted.
    """

    def __init__(self, store: "KeyStore", public: Set[Scope] = frozenset()) -> None:
        """public: the scopes for which calls need no key."""
        self.public = public
        self._store = store
        self._keys: Mapping[str, Key] = {}
        self._sessions: Mapping[bytes, Session] = {}
        self._links: Mapping[bytes, Link] = {}
        self._signing_in = asyncio.Lock()
        self._revision: int | None = None
        self._asked_at = float("-inf")
        self._database_time = datetime.min.replace(tzinfo=UTC)
        self._is_away = False
        self._uses: dict[str, datetime] = {}
        self._attempts = Attempts()
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
        await self._record_attempts(self._attempts.take_all())

    async def admit(self, authorization: Sequence[str], scope: Scope) -> Key | None:
        """Returns the key in the Authorization headers of a call if it may be used for the scope; None for a call
        without a key, where the scope is public. A wrong key is refused there as well.

        Raises:
            KeyMissing, KeyUnknown, KeyExpired, KeyRevoked, ScopeMissing: it may not.
            AccessUnavailable: the database is away, and what is known is too old or does not contain the key.
        """
        if not authorization and scope in self.public:
            return None
        return await self._admit_key(presented(authorization), scope)

    async def admit_session(self, token: str, scope: Scope) -> Key:
        """Returns the key of the session with this token, if the session has not ended and its key admits the scope.

        Raises:
            SessionEnded: there is no such session any more, or there never was.
            KeyExpired, KeyRevoked, ScopeMissing, AccessUnavailable: as `admit`, for the session's key.
        """
        digest = digest_of(token)
        session = await self._known(lambda: self._sessions.get(digest), scope)
        key = self._keys.get(session.key) if session and session.expires_at > self._now() else None
        if key is None:
            self._attempts.count(Attempt(session.key if session else None, scope, SessionEnded.reason))
            raise SessionEnded("This session has ended. Sign in again.")
        return self._checked(key, scope)

    async def sign_in(self, text: str) -> str:
        """Starts a session for who has this key, or the token of this link, and returns the session's token.

        Raises:
            LinkSpent: the link was used already, or is too old.
            KeyUnknown, KeyExpired, KeyRevoked, ScopeMissing: the key is refused.
            AccessUnavailable: the database is away.
        """
        text = text.strip()
        link = digest_of(text) if looks_like_link(text) else None
        key = await (self._admit_link(link) if link else self._admit_key(text, Scope.CLASSIFY, Action.SIGN_IN))
        token = new_token()
        async with self._signing_in:  # so that a flood of them takes one thread, and the questions have one too
            is_started = await self._change(lambda: self._store.start_session(digest_of(token), key, link))
        if not is_started:
            raise self._spent(key.id)
        self._attempts.count(Attempt(key.id, PAGE, DONE, Action.SIGN_IN))
        return token

    async def sign_out(self, token: str) -> None:
        """Ends the session with this token, in all processes within seconds.

        Raises:
            AccessUnavailable: the database is away, so the session goes on.
        """
        await self._change(lambda: self._store.end_session(digest_of(token)))

    async def search_audit(self, search: Search, count: int) -> tuple[list[Entry], int | None]:
        """Returns what KeyStore.search_audit does.

        Raises:
            AccessUnavailable: the database is away.
        """
        try:
            return await asyncio.to_thread(self._store.search_audit, search, count)
        except Exception as error:
            log.warning("the audit was not read", error=type(error).__name__)
            raise AccessUnavailable("The audit can't be read at the moment. Try again in a few seconds.") from error

    async def _admit_key(self, text: str, scope: Scope, action: Action = Action.REFUSE) -> Key:
        return self._checked(await self._known(lambda: find(text, self._keys), scope), scope, action)

    async def _admit_link(self, digest: bytes) -> Key:
        link = await self._known(lambda: self._links.get(digest), Scope.CLASSIFY)
        key = self._keys.get(link.key) if link and link.expires_at > self._now() else None
        if key is None:
            raise self._spent(link.key if link else None)
        return self._checked(key, Scope.CLASSIFY, Action.SIGN_IN)

    def _spent(self, key: str | None) -> LinkSpent:
        self._attempts.count(Attempt(key, PAGE, LinkSpent.reason, Action.SIGN_IN))
        return LinkSpent("This link was used already, or is older than an hour. Ask for another one.")

    async def _known(self, look: Callable[[], _Found | None], scope: Scope) -> _Found | None:
        """Returns what is found, and asks the database first if nothing is, or what is known is too old."""
        found = look()
        max_age = MAX_CLASSIFY_AGE_SECONDS if scope is Scope.CLASSIFY else MAX_AGE_SECONDS
        if found is None or time.monotonic() - self._asked_at > max_age:
            await self._ask()
            found = look()
        return found

    def _checked(self, key: Key | None, scope: Scope, action: Action = Action.REFUSE) -> Key:
        """Returns the key if it may be used for the scope; action: what the audit calls it if not."""
        if key is not None:
            structlog.contextvars.bind_contextvars(key=key.id)  # for all further lines of this call, refused or not
        now = self._now()
        try:
            admitted = check(key, scope, now)
        except (KeyUnknown, KeyExpired, KeyRevoked, ScopeMissing) as refused:
            subject = PAGE if action is Action.SIGN_IN else scope
            self._attempts.count(Attempt(key.id if key else None, subject, refused.reason, action))
            raise
        self._uses[admitted.id] = now
        return admitted

    def _now(self) -> datetime:
        """Returns the time by the clock of the database."""
        return self._database_time + timedelta(seconds=time.monotonic() - self._asked_at)

    async def _change(self, change: Callable[[], _Changed]) -> _Changed:
        try:
            return await asyncio.to_thread(change)
        except Exception as error:
            log.warning("a session was neither started nor ended", error=type(error).__name__)
            raise AccessUnavailable("Sessions can't be changed at the moment. Try again in a few seconds.") from error

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
                await self._record_attempts(self._attempts.take(self._recorded_at))
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
            self._keys, self._sessions, self._links = loaded.keys, loaded.sessions or {}, loaded.links or {}
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

    async def _record_attempts(self, taken: Mapping[Attempt, int]) -> None:
        entries = [attempt.entry(self._store.place, calls) for attempt, calls in taken.items()]
        if not entries:
            return
        try:
            await asyncio.to_thread(self._store.write, entries)
        except Exception as error:
            log.warning("refused keys and sign-ins were not written down", error=type(error).__name__)
            self._attempts.give_back(taken)
            return
        for entry in entries:
            _log_entry(entry)


def _log_entry(entry: Entry) -> None:
    log.info("audit", **entry.as_json())
