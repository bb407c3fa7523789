"""Decides who may call a service, as its settings say."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing

from services.access.config import AccessSettings
from services.access.gate import Gate
from services.access.keys import Scope
from services.access.rpc import admission
from services.access.start import key_store
from services.common.rpc.interceptor import Admit, admit_everybody


@asynccontextmanager
async def admitting(settings: AccessSettings, service: str, scopes: Mapping[str, Scope | None]) -> AsyncIterator[Admit]:
    """Yields what decides who may call a service: everybody, or who sends a key.

    Args:
        settings: of the service.
        service: its name in the list of keys and in the audit.
        scopes: as for `admission`.
    """
    store = key_store(settings, service)
    if store is None:
        yield admit_everybody
        return
    with closing(store):
        async with Gate(store, settings.public) as gate:
            yield admission(gate, scopes)
