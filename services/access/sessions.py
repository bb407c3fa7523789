"""What a session is: a visitor of the page who has signed in with a key. No clock, no database, no network.

Who runs Verger gets a link to sign in with, as from Jupyter: its token starts one session instead of a key.

A session has a token of 256 random bits, which the visitor's browser keeps. Only its SHA-256 digest is kept here, as of
keys. Whoever does not know the token can't choose a digest, so sessions may be looked up by it.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

LIFETIME = timedelta(hours=12)
"""How long a session lasts at most. It ends with its key, if that ends earlier."""

MAX_PER_KEY = 1000
"""Sessions of one key at a time. One more ends the oldest."""

TOKEN_BYTES = 32

LINK_LIFETIME = timedelta(hours=1)
"""How long a link to sign in with can be used. It can be used once."""

_LINK_FORM = re.compile(r"once_[\w-]{43}")


@dataclass(frozen=True)
class Session:
    """A session without its token. What it may be used for is asked of its key each time."""

    digest: bytes
    key: str
    """Id of the key."""

    started_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Link:
    """A link to sign in with, without its token."""

    digest: bytes
    key: str
    """Id of the key for which it starts a session."""

    expires_at: datetime


def new_link_token() -> str:
    """Returns the token of a new link."""
    return f"once_{secrets.token_urlsafe(TOKEN_BYTES)}"


def looks_like_link(text: str) -> bool:
    """Whether a text may be the token of a link."""
    return _LINK_FORM.fullmatch(text) is not None


def new_token() -> str:
    """Returns the token of a new session: 43 characters that a cookie may contain."""
    return secrets.token_urlsafe(TOKEN_BYTES)
