"""What a key is: its text, its digest, its scopes, and whether it admits a call. No clock, no database, no network.

A key is a text such as verger_3f9a…_8c21…: twelve hexadecimal digits that name it and may be shown, and 64 that are
secret. Only the SHA-256 digest of the whole text is kept. A password needs a slow, salted hash because people choose
passwords that can be guessed; a secret of 256 random bits can't be guessed, with whichever hash, and a slow one would
only make every call slow.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from services.common.errors import KeyExpired, KeyMissing, KeyRevoked, KeyUnknown, ScopeMissing

ID_BYTES = 6
SECRET_BYTES = 32
_FORM = re.compile(rf"verger_([0-9a-f]{{{2 * ID_BYTES}}})_[0-9a-f]{{{2 * SECRET_BYTES}}}")

_NOBODY = bytes(32)
"""Digest that is compared where there is no such key, so that this takes as long."""

MAX_LABEL_CHARACTERS = 100


class Scope(StrEnum):
    """What a key may be used for."""

    CLASSIFY = "classify"
    """Classify photos, and describe the live model."""

    FEEDBACK = "feedback"
    """Say that an answer was wrong."""

    REVIEW = "review"
    """Look at photos that were sent in, and label them."""

    TRAIN = "train"
    """Start a training run."""

    PROMOTE = "promote"
    """Choose the version that answers."""

    ADMIN = "admin"
    """All of it, and whatever has no scope of its own."""


class Kind(StrEnum):
    """Who holds a key."""

    CLIENT = "client"
    """A person or a program outside of Verger."""

    SERVICE = "service"
    """A process of Verger, which made the key for itself."""


@dataclass(frozen=True)
class Key:
    """A key without its secret. Times have a time zone; a time that is None has not come and will not come."""

    id: str
    digest: bytes
    name: str
    owner: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    kind: Kind = Kind.CLIENT

    def is_live(self, now: datetime) -> bool:
        """Whether the key is neither revoked nor expired."""
        return not (self.revoked_at and self.revoked_at <= now) and not (self.expires_at and self.expires_at <= now)


class Secret(NamedTuple):
    """A new key as its holder gets it. Nothing but its id and its digest is kept."""

    id: str
    text: str

    def __repr__(self) -> str:
        return f"Secret(id={self.id!r})"


def new_secret() -> Secret:
    """Returns a new key of 256 random bits."""
    identity = secrets.token_hex(ID_BYTES)
    return Secret(identity, f"verger_{identity}_{secrets.token_hex(SECRET_BYTES)}")


def digest_of(text: str) -> bytes:
    """Returns the SHA-256 digest of a key's text, 32 bytes."""
    return hashlib.sha256(text.encode()).digest()


def looks_secret(text: str) -> bool:
    """Whether a text is a whole key, and not just the id of one."""
    return _FORM.fullmatch(text) is not None


def is_label(text: str) -> bool:
    """Whether a text may be the name or the owner of a key: 1 to MAX_LABEL_CHARACTERS printable characters."""
    return 0 < len(text) <= MAX_LABEL_CHARACTERS and text.isprintable() and text == text.strip()


def presented(authorization: Sequence[str]) -> str:
    """Returns the key in the values of a call's Authorization headers (RFC 6750).

    Raises:
        KeyMissing: there is no such header, there are several, or it holds something else than a key.
    """
    scheme, _, text = authorization[0].partition(" ") if len(authorization) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not text.strip():
        raise KeyMissing("This needs a key. Send one as “Authorization: Bearer KEY”.")
    return text.strip()


def find(text: str, keys: Mapping[str, Key]) -> Key | None:
    """Returns the key with this text, live or not. It takes as long for a wrong secret as for an id that is unknown."""
    form = _FORM.fullmatch(text)
    key = keys.get(form[1]) if form else None
    return key if hmac.compare_digest(digest_of(text), key.digest if key else _NOBODY) else None


def check(key: Key | None, scope: Scope, now: datetime) -> Key:
    """Returns the key if it may be used for the scope.

    Only who has the whole key learns that it was revoked or has expired.

    Raises:
        KeyUnknown: there is no such key.
        KeyRevoked, KeyExpired: it is not valid any more.
        ScopeMissing: it is valid, but not for this.
    """
    if key is None:
        raise KeyUnknown("This key is not known. Check that it was copied whole.")
    if key.revoked_at and key.revoked_at <= now:
        raise KeyRevoked("This key was revoked. Ask for a new one.")
    if key.expires_at and key.expires_at <= now:
        raise KeyExpired("This key has expired. Ask for a new one.")
    if not key.scopes & {scope, Scope.ADMIN}:
        raise ScopeMissing(f"This key may not be used for this. Ask for one with the scope “{scope}”.", scope=scope)
    return key
