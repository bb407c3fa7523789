"""Keeps keys, sessions, links and the audit in the database. Its functions block, so servers call them on a thread."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from socket import gethostname
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Row, String, bindparam, delete, func, insert, or_, select, update

from engine.operator import operator_name
from services.access.audit import Action, Entry, Search
from services.access.database import lock, upgrade
from services.access.keys import MAX_LABEL_CHARACTERS, Key, Kind, Scope, Secret, digest_of, new_secret
from services.access.quotas.account import Granted, Wanted
from services.access.quotas.windows import forget, grant
from services.access.rows import entries, visits
from services.access.sessions import Link, Session, new_link_token
from services.access.tables import CHANGES, KEYS
from services.common.database import Moment

_SCOPES = frozenset(scope.value for scope in Scope)
_NOW = func.current_timestamp(type_=Moment)

_QUOTAS_LOCK = 0x76657268
"""Number of the lock under which amounts of limits are taken."""

QUOTAS_SECONDS = 5
"""How long a process waits for those that take before it. Past this, calls go on uncounted, so it is longer than a busy
machine keeps a process waiting."""

_PATIENCE = {
    "sqlite": f"PRAGMA busy_timeout = {QUOTAS_SECONDS * 1000}",
    # A crash of the database may lose what was taken just before, which counts for a minute only.
    "postgresql": f"SELECT set_config('statement_timeout', '{QUOTAS_SECONDS * 1000}', true), "
    "set_config('synchronous_commit', 'off', true)",
}


class Loaded(NamedTuple):
    """What the database holds."""

    revision: int
    """Number of changes so far."""

    now: datetime
    """The database's own clock, so that a key expires for all servers at once."""

    keys: Mapping[str, Key] | None
    """All keys by their ids; None if nothing has changed since the revision that is known."""

    sessions: Mapping[bytes, Session] | None = None
    """All sessions by their digests; None as keys."""

    links: Mapping[bytes, Link] | None = None
    """All links to sign in with by their digests; None as keys."""

    changes: Sequence[Entry] = ()
    """What has changed since the revision that is known, if one is."""


class KeyUnusable(Exception):
    """There is no such key, or no such key can be made; str(error) says what to do."""


class KeyStore:
    """The keys in a database. All methods raise SQLAlchemyError when it is away, and DatabaseUnusable as `upgrade`.

    What changes keys is written into the audit in the same transaction, but for keys that services make for themselves.
    """

    def __init__(self, engine: Engine, program: str = "command") -> None:
        """program: what uses the keys here, for the audit."""
        self.place = f"{program} on {gethostname()}"[:MAX_LABEL_CHARACTERS]
        self._engine = engine
        self._is_current = False

    def load(self, known_revision: int | None = None) -> Loaded:
        """Returns keys and sessions, if they have changed since known_revision."""
        with self._connection() as connection:
            revision, now = connection.execute(select(CHANGES.c.revision, _NOW)).one()
            if revision == known_revision:
                return Loaded(revision, now, None)
            # A change in between is loaded again with the next revision.
            rows = connection.execute(select(KEYS).order_by(KEYS.c.created_at)).all()
            sessions, links = visits.read_sessions(connection), visits.read_links(connection)
            known = revision if known_revision is None else known_revision
            changes = entries.of_changes(connection, known + 1, revision)
        keys = {row.id: _key_of(row) for row in rows}
        return Loaded(revision, now, keys, sessions, links, changes)

    def has_keys(self) -> bool:
        """Returns whether a key was ever made for anybody, live or not."""
        with self._connection() as connection:
            return connection.execute(select(KEYS.c.id).where(KEYS.c.kind == Kind.CLIENT).limit(1)).first() is not None

    def make(
        self, name: str, owner: str, scopes: frozenset[Scope], lifetime: timedelta | None, kind: Kind = Kind.CLIENT
    ) -> Secret:
        """Makes a key, valid for `lifetime` or for ever.

        Raises:
            KeyUnusable: a client's key with this name is live already.
        """
        with self._changing() as (connection, now):
            if kind is Kind.SERVICE:  # its process may have been killed
                connection.execute(delete(KEYS).where(KEYS.c.kind == kind, KEYS.c.expires_at < now))
            elif any(key.is_live(now) for key in _named(connection, name)):
                raise KeyUnusable(f"There is a live key named “{name}”. Choose another name, or rotate that key.")
            secret = new_secret()
            expires_at = now + lifetime if lifetime else None
            key = Key(secret.id, digest_of(secret.text), name, owner, scopes, now, expires_at, kind=kind)
            _insert(connection, key)
            if kind is Kind.CLIENT:
                self._write_change(connection, now, Action.MAKE, secret.id, _description(key))
        return secret

    def rotate(self, identity: str, overlap: timedelta) -> Secret:
        """Makes another key with the same name, owner, scopes and lifetime. The old one stays valid for `overlap`.

        Raises:
            KeyUnusable: there is no such live key.
        """
        with self._changing() as (connection, now):
            old = _live(connection, identity, now)
            secret = new_secret()
            expires_at = now + (old.expires_at - old.created_at) if old.expires_at else None
            new = replace(old, id=secret.id, digest=digest_of(secret.text), created_at=now, expires_at=expires_at)
            _insert(connection, replace(new, last_used_at=None))
            end = min(now + overlap, old.expires_at or now + overlap)
            connection.execute(update(KEYS).where(KEYS.c.id == old.id).values(expires_at=end))
            ends = {"successor": new.id, "expires": _text_of(end)}
            self._write_change(connection, now, Action.ROTATE, old.id, ends)
            self._write_change(connection, now, Action.MAKE, new.id, _description(new) | {"predecessor": old.id})
        return secret

    def revoke(self, identity: str) -> Key:
        """Ends the validity of a key and returns it.

        Raises:
            KeyUnusable: there is no such live key.
        """
        with self._changing() as (connection, now):
            key = _live(connection, identity, now)
            connection.execute(update(KEYS).where(KEYS.c.id == key.id).values(revoked_at=now))
            self._write_change(connection, now, Action.REVOKE, key.id, {"name": key.name, "owner": key.owner})
        return key

    def forget(self, identity: str) -> None:
        """Deletes the key of a service, which ends."""
        with self._changing() as (connection, _):
            connection.execute(delete(KEYS).where(KEYS.c.id == identity, KEYS.c.kind == Kind.SERVICE))

    def make_link(self, identity: str | None = None) -> str:
        """Makes a link to sign in with, and returns its token.

        Args:
            identity: id of the key for which it starts a session; by default the oldest live one of all scopes.

        Raises:
            KeyUnusable: there is no such live key.
        """
        with self._changing() as (connection, now):
            key = _live(connection, identity, now) if identity else _live_admin(connection, now)
            token = new_link_token()
            visits.add_link(connection, now, digest_of(token), key)
            self._write_change(connection, now, Action.LINK, key.id, {"name": key.name, "owner": key.owner})
        return token

    def start_session(self, digest: bytes, key: Key, link: bytes | None = None) -> bool:
        """Starts a session with this digest of its token. Returns False, and starts none, if it is for a link with this
        digest that somebody else has used meanwhile.
        """
        with self._changing() as (connection, now):
            if link is not None and not visits.spend_link(connection, now, link):
                return False
            visits.start(connection, now, digest, key)
            return True

    def end_session(self, digest: bytes) -> None:
        """Ends the session with this digest of its token, if there is one."""
        with self._changing() as (connection, _):
            visits.end(connection, digest)

    def record_uses(self, uses: Mapping[str, datetime]) -> None:
        """Writes down when keys, by their ids, were last used, where no later time stands."""
        used, moment = bindparam("used", type_=String), bindparam("moment", type_=Moment)
        is_later = or_(KEYS.c.last_used_at.is_(None), KEYS.c.last_used_at < moment)
        with self._connection() as connection:
            rows = [{"used": identity, "moment": moment} for identity, moment in sorted(uses.items())]
            connection.execute(update(KEYS).where(KEYS.c.id == used, is_later).values(last_used_at=moment), rows)

    def write(self, added: Iterable[Entry]) -> None:
        """Adds entries to the audit."""
        with self._connection() as connection:
            now = connection.execute(select(_NOW)).scalar_one()
            for entry in added:
                entries.add(connection, entry, now)

    def take(self, wanted: Mapping[tuple[str, ...], Wanted]) -> dict[tuple[str, ...], Granted]:
        """Takes amounts of the limits of callers, by the names of their accounts."""
        with self._connection() as connection:
            connection.exec_driver_sql(_PATIENCE[connection.dialect.name])
            lock(connection, _QUOTAS_LOCK)
            return grant(connection, wanted)

    def forget_taken(self) -> None:
        """Deletes what was taken of limits more than a minute ago."""
        with self._connection() as connection:
            forget(connection)

    def audit(self, since: timedelta | None = None, key: str | None = None) -> Iterator[Entry]:
        """Yields the entries of the audit, oldest first.

        Args:
            since: how far back; all of them by default.
            key: id of the one key that they must be about, whether it was changed or refused.
        """
        with self._connection() as connection:
            start = connection.execute(select(_NOW)).scalar_one() - since if since is not None else None
            yield from entries.read(connection, start, key)

    def search_audit(self, search: Search, count: int) -> tuple[list[Entry], int | None]:
        """Returns so many entries at most, newest first, and the number before which there are more; None if there are
        none.
        """
        with self._connection() as connection:
            return entries.search(connection, search, count)

    def close(self) -> None:
        """Closes all connections."""
        self._engine.dispose()

    def _write_change(
        self, connection: Connection, now: datetime, action: Action, key: str, details: Mapping[str, str]
    ) -> None:
        entries.add(connection, Entry(operator_name(), self.place, action, key, details=details), now, is_change=True)

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        if not self._is_current:
            upgrade(self._engine)
            self._is_current = True
        with self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _changing(self) -> Iterator[tuple[Connection, datetime]]:
        """Counts a change first, which locks out all others until the end of the block; yields the database's time."""
        with self._connection() as connection:
            connection.execute(update(CHANGES).values(revision=CHANGES.c.revision + 1))
            yield connection, connection.execute(select(_NOW)).scalar_one()


def _insert(connection: Connection, key: Key) -> None:
    connection.execute(insert(KEYS).values(asdict(key) | {"scopes": " ".join(sorted(key.scopes))}))


def _named(connection: Connection, name: str) -> Iterator[Key]:
    return map(_key_of, connection.execute(select(KEYS).where(KEYS.c.kind == Kind.CLIENT, KEYS.c.name == name)))


def _live(connection: Connection, identity: str, now: datetime) -> Key:
    row = connection.execute(select(KEYS).where(KEYS.c.id == identity)).one_or_none()
    if row is None or not _key_of(row).is_live(now):
        raise KeyUnusable("There is no live key with this id. “list” shows all of them.")
    return _key_of(row)


def _live_admin(connection: Connection, now: datetime) -> Key:
    rows = connection.execute(select(KEYS).where(KEYS.c.kind == Kind.CLIENT).order_by(KEYS.c.created_at))
    found = next((key for key in map(_key_of, rows) if Scope.ADMIN in key.scopes and key.is_live(now)), None)
    if found is None:
        raise KeyUnusable("There is no live key with the scope admin. “make” makes one.")
    return found


def _key_of(row: Row[Any]) -> Key:
    known = frozenset(map(Scope, _SCOPES.intersection(row.scopes.split())))  # a newer Verger may have more
    return Key(**row._asdict() | {"scopes": known, "kind": Kind(row.kind)})


def _description(key: Key) -> dict[str, str]:
    expires = _text_of(key.expires_at) if key.expires_at else "never"
    return {"name": key.name, "owner": key.owner, "scopes": " ".join(sorted(key.scopes)), "expires": expires}


def _text_of(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
