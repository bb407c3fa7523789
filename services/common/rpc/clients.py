"""Says who makes a call, so that places and memory are shared fairly."""

from contextvars import ContextVar
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import grpc

from services.common.capacity.places import Client
from services.common.process.addresses import address_named, address_of

USER_METADATA_KEY = "x-forwarded-for"
"""Metadata in which a caller names whom it asks for, as HTTP proxies do. Web names the address of the browser."""

_current: ContextVar[Client] = ContextVar("client")


def identify(context: "grpc.aio.ServicerContext[Any, Any]") -> Client:
    """Returns who makes this call, and remembers it for the rest of the call."""
    named = next((value for key, value in context.invocation_metadata() or () if key == USER_METADATA_KEY), "")
    client = Client(_peer(context.peer().rpartition(":")[0]), _user(str(named)))  # without the port
    _current.set(client)
    return client


@lru_cache(maxsize=1_000)
def _peer(described: str) -> str:
    """Returns the address in what gRPC says of a machine, such as ipv4:127.0.0.1 or ipv6:%5B::1%5D."""
    kind, _, host = described.partition(":")
    return address_of(unquote(host).strip("[]")) if kind in ("ipv4", "ipv6") else described


@lru_cache(maxsize=1_000)
def _user(named: str) -> str:
    """Returns the last address of a list, which the peer itself has added."""
    return address_named(named.rpartition(",")[2])


def current_client() -> Client:
    """Returns who makes the call in which this code runs; nobody in particular outside of calls."""
    return _current.get(Client(""))
