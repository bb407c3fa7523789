"""Whom a call is counted for, and how much of what they may have. No clock, no database, no network."""

import math
from collections.abc import Iterable
from typing import Literal, NamedTuple

from services.access.keys import Key, Kind

PHOTOS = "photos"
BYTES = "bytes"
CALLS = "calls"

WINDOW_SECONDS = 60

_UNITS = {PHOTOS: "", BYTES: ';qu="content-bytes"', CALLS: ';qu="concurrent-requests"'}
"""Quota units of the IETF draft; requests where it is empty, of which one with several photos takes several."""


class Caller(NamedTuple):
    """Whom a call is counted for."""

    kind: Literal["key", "address"]
    name: str
    """Id of the key, or the address of who calls without one."""


def caller_of(key: Key | None, address: str) -> Caller | None:
    """Returns whom a call is counted for; None if a service of Verger calls, which has counted its own caller.

    A key counts for itself wherever it is used. Its address does not count as well: a company may call with many keys
    from one address.

    Args:
        key: by which the call was admitted; None where it needs none.
        address: of who calls.
    """
    if key is None:
        return Caller("address", address)
    return None if key.kind is Kind.SERVICE else Caller("key", key.id)


class Limits(NamedTuple):
    """What one caller may have. 0 stands for no limit."""

    photos: int = 0
    """Within a minute."""

    bytes: int = 0
    """Within a minute."""

    calls: int = 0
    """At once, in one process."""

    def of(self, name: str) -> int:
        """Returns the limit with this name."""
        return int(getattr(self, name))


class Policy(NamedTuple):
    """The limits of all callers."""

    key: Limits = Limits()
    address: Limits = Limits()

    def of(self, caller: Caller) -> Limits:
        """Returns the limits of a caller."""
        return self.key if caller.kind == "key" else self.address

    @property
    def limits_anything(self) -> bool:
        """Whether there is any limit."""
        return any(self.key) or any(self.address)


class Remaining(NamedTuple):
    """What is left of a limit."""

    name: str
    amount: int
    seconds: float | None = None
    """Until it grows; None where that can't be said."""


def rate_limit_fields(limits: Limits, remaining: Iterable[Remaining]) -> dict[str, str]:
    """Returns the header fields of draft-ietf-httpapi-ratelimit-headers-11; none where nothing is limited."""
    policies = [
        f'"{name}";q={limits.of(name)}' + ("" if name == CALLS else f";w={WINDOW_SECONDS}") + _UNITS[name]
        for name in (PHOTOS, BYTES, CALLS)
        if limits.of(name)
    ]
    states = [
        f'"{left.name}";r={left.amount}' + ("" if left.seconds is None else f";t={math.ceil(left.seconds)}")
        for left in remaining
    ]
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(states)} if policies else {}
