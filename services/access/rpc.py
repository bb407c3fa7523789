"""Asks gRPC calls for a key, and counts their photos."""

from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from contextlib import ExitStack
from contextvars import ContextVar
from typing import TypeAlias

from services.access.gate import Gate
from services.access.keys import Key, Scope
from services.access.quotas.policy import Caller, caller_of
from services.access.quotas.quotas import Quotas
from services.common.process.addresses import is_among
from services.common.rpc.clients import identify
from services.common.rpc.interceptor import Admit, Context

Count: TypeAlias = Callable[[Sequence[int]], Awaitable[None]]
"""Counts photos of so many bytes each for who makes the call in which this runs. Raises QuotaExceeded."""

_key: ContextVar[Key | None] = ContextVar("key", default=None)
_caller: ContextVar[Caller | None] = ContextVar("caller", default=None)


def current_key() -> Key | None:
    """Returns the key with which the call was made in which this code runs; None for a call without one."""
    return _key.get()


async def count_nothing(_sizes_bytes: Sequence[int]) -> None:
    """Counts no photo."""


class PhotoCounter:
    """Counts calls with photos, and their photos, for who makes them. Those that web makes are counted there."""

    def __init__(self, quotas: Quotas, methods: Set[str], trusted_proxies: str) -> None:
        """Creates the counter.

        Args:
            quotas: what callers may have.
            methods: full names of the methods that take photos.
            trusted_proxies: addresses and networks, with commas between them, that may name whom they call for.
        """
        self._quotas, self._methods, self._trusted_proxies = quotas, methods, trusted_proxies

    def begin(self, method: str, context: Context, key: Key | None) -> None:
        """Counts a call until it ends, however often it is admitted. `count` then knows whom it is for.

        Raises:
            QuotaExceeded: the caller has as many calls as it may, or certainly no photo left.
        """
        if method not in self._methods or _caller.get() is not None:
            return
        client = identify(context)
        is_named = client.user and is_among(client.peer, self._trusted_proxies)
        if (caller := caller_of(key, client.user if is_named else client.peer)) is None:
            return
        counted = ExitStack()
        counted.enter_context(self._quotas.call(caller))
        context.add_done_callback(lambda _: counted.close())  # type: ignore[arg-type]  # the stub takes a class for a function
        self._quotas.check(caller)
        _caller.set(caller)

    async def count(self, sizes_bytes: Sequence[int]) -> None:
        """Counts photos, all or none.

        Raises:
            QuotaExceeded: the caller has sent as much as it may for now.
            QuotaTooSmall: it may never send so much at once.
        """
        if caller := _caller.get():
            await self._quotas.take(caller, len(sizes_bytes), sum(sizes_bytes))


def admission(gate: Gate, scopes: Mapping[str, Scope | None], counter: PhotoCounter | None = None) -> Admit:
    """Returns what the interceptor of a public server asks before it reads a message.

    Args:
        gate: checks the key in the metadata `authorization`.
        scopes: the scope that each method needs, by its full name, such as /verger.v1.ClassifierService/Classify; None
            for those that need no key. All others need `admin`.
        counter: counts what is admitted.
    """

    async def admit(method: str, context: Context) -> None:
        needed = scopes.get(method, Scope.ADMIN)
        if needed is None:
            return
        metadata = context.invocation_metadata() or ()
        authorization = [str(value) for name, value in metadata if name == "authorization"]
        key = await gate.admit(authorization, needed)
        _key.set(key)
        if counter:
            counter.begin(method, context, key)

    return admit
