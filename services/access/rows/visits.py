"""Sessions and links to sign in with."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, delete, desc, insert, select

from services.access.keys import Key
from services.access.sessions import LIFETIME, LINK_LIFETIME, MAX_PER_KEY, Link, Session
from services.access.tables import LINKS, SESSIONS


def read_sessions(connection: Connection) -> Mapping[bytes, Session]:
    """Returns all sessions by their digests."""
    return {row.digest: Session(*row) for row in connection.execute(select(SESSIONS))}


def read_links(connection: Connection) -> Mapping[bytes, Link]:
    """Returns all links that nobody has used by their digests."""
    return {row.digest: Link(*row) for row in connection.execute(select(LINKS))}


def start(connection: Connection, now: datetime, digest: bytes, key: Key) -> None:
    """Starts a session. Deletes those that have ended, and the key's oldest ones that are too many."""
    connection.execute(delete(SESSIONS).where(SESSIONS.c.expires_at <= now))
    newest_first = select(SESSIONS.c.digest).where(SESSIONS.c.key == key.id).order_by(desc("started_at"))
    excess = connection.scalars(newest_first.offset(MAX_PER_KEY - 1)).all()
    connection.execute(delete(SESSIONS).where(SESSIONS.c.digest.in_(excess)))
    expires_at = min(now + LIFETIME, key.expires_at or now + LIFETIME)
    connection.execute(insert(SESSIONS).values(asdict(Session(digest, key.id, now, expires_at))))


def end(connection: Connection, digest: bytes) -> None:
    """Ends a session, if there is one."""
    connection.execute(delete(SESSIONS).where(SESSIONS.c.digest == digest))


def add_link(connection: Connection, now: datetime, digest: bytes, key: Key) -> None:
    """Makes a link. Deletes those that are too old."""
    connection.execute(delete(LINKS).where(LINKS.c.expires_at <= now))
    connection.execute(insert(LINKS).values(asdict(Link(digest, key.id, now + LINK_LIFETIME))))


def spend_link(connection: Connection, now: datetime, digest: bytes) -> bool:
    """Deletes a link. Returns whether it could be used: of two who use it at once, one can."""
    is_live = LINKS.c.expires_at > now
    return connection.execute(delete(LINKS).where(LINKS.c.digest == digest, is_live)).rowcount == 1
