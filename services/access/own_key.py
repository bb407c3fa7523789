"""The key that a process makes for itself, to call another service."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Self

import structlog

from services.access.keys import Kind, Scope, Secret

if TYPE_CHECKING:
    from services.access.store import KeyStore

log = structlog.get_logger(__name__)

LIFETIME = timedelta(hours=1)
"""How long a key outlives a process that was killed. It is replaced at half of this."""

SCOPES = frozenset({Scope.CLASSIFY, Scope.FEEDBACK})
"""What web asks of preprocess and of the collection."""

RETRY_SECONDS = 1.0
MAX_START_SECONDS = 2.0
"""How long the start waits for the first key."""


class OwnKey:
    """A key with the scopes of web that is in no file and no setting: only this process has it, and only its digest
    is in the database. `async with` makes it, renews it and deletes it at the end.
    """

    def __init__(self, store: "KeyStore") -> None:
        self._store = store
        self._secret: Secret | None = None
        self._made = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._renewing = asyncio.create_task(self._renew())
        with suppress(TimeoutError):
            await asyncio.wait_for(self._made.wait(), MAX_START_SECONDS)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._renewing.cancel()
        with suppress(asyncio.CancelledError):
            await self._renewing
        if self._secret:
            try:
                await asyncio.to_thread(self._store.forget, self._secret.id)
            except Exception as failed:
                log.warning("the key of this process was not deleted; it expires", error=type(failed).__name__)

    def metadata(self) -> Sequence[tuple[str, str]]:
        """Returns the key as metadata of a call; nothing before the database has taken it."""
        return [("authorization", f"Bearer {self._secret.text}")] if self._secret else []

    async def _renew(self) -> None:
        while True:
            try:
                made = asyncio.to_thread(self._store.make, self._store.place, "verger", SCOPES, LIFETIME, Kind.SERVICE)
                self._secret = await made
            except Exception as error:
                log.warning("this process has no new key yet", error=type(error).__name__, message=str(error))
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self._made.set()
                await asyncio.sleep(LIFETIME.total_seconds() / 2)
