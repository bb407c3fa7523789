"""Says who makes a call, so that places and memory are shared fairly."""

from contextvars import ContextVar
from typing import Any

import grpc

from services.common.process.places import Client

USER_METADATA_KEY = "x-forwarded-for"
"""Metadata in which a caller names whom it asks for, as HTTP proxies do. Web names the address of the browser."""

MAX_USER_CHARACTERS = 64

_current: ContextVar[Client] = ContextVar("client")


def identify(context: "grpc.aio.ServicerContext[Any, Any]") -> Client:
    """Returns who makes this call, and remembers it for the rest of the call."""
    named = next((value for key, value in context.invocation_metadata() or () if key == USER_METADATA_KEY), "")
    user = str(named).rpartition(",")[2].strip()[:MAX_USER_CHARACTERS]
    client = Client(context.peer().rpartition(":")[0], user)  # without the port: all connections of a machine
    _current.set(client)
    return client


def current_client() -> Client:
    """Returns who makes the call in which this code runs; nobody in particular outside of calls."""
    return _current.get(Client(""))
