"""Keeps keys in the database. Its functions block, so servers call them on a thread."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Row, String, bindparam, delete, func, insert, or_, select, update

from services.access.database import upgrade
from services.access.keys import Key, Kind, Scope, Secret, digest_of, new_secret
from services.access.tables import CHANGES, KEYS, Moment

_SCOPES = frozenset(scope.value for scope in Scope)
_NOW = func.current_timestamp(type_=Moment)


class Loaded(NamedTuple):
    """What the database holds."""

    revision: int
    """Number of changes so far."""

    now: datetime
    """The database's own clock, so that a key expires for all servers at once."""

    keys: Mapping[str, Key] | None
    """All keys by their ids; None if nothing has changed since the revision that is known."""


class KeyUnusable(Exception):
    """There is no such key, or no such key can be made; str(error) says what to do."""


class KeyStore:
    """The keys in a database. All methods raise SQLAlchemyError when it is away, and DatabaseUnusable as `upgrade`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._is_current = False

    def load(self, known_revision: int | None = None) -> Loaded:
        """Returns the keys, if they have changed since known_revision."""
        with self._connection() as connection:
            revision, now = connection.execute(select(CHANGES.c.revision, _NOW)).one()
            if revision == known_revision:
                return Loaded(revision, now, None)
            # A change in between is loaded again with the next revision.
            rows = connection.execute(select(KEYS).order_by(KEYS.c.created_at)).all()
        return Loaded(revision, now, {row.id: _key_of(row) for row in rows})

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
            _insert(connection, Key(secret.id, digest_of(secret.text), name, owner, scopes, now, expires_at, kind=kind))
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
        return secret

    def revoke(self, identity: str) -> Key:
        """Ends the validity of a key and returns it.

        Raises:
            KeyUnusable: there is no such live key.
        """
        with self._changing() as (connection, now):
            key = _live(connection, identity, now)
            connection.execute(update(KEYS).where(KEYS.c.id == key.id).values(revoked_at=now))
        return key

    def forget(self, identity: str) -> None:
        """Deletes the key of a service, which ends."""
        with self._changing() as (connection, _):
            connection.execute(delete(KEYS).where(KEYS.c.id == identity, KEYS.c.kind == Kind.SERVICE))

    def record_uses(self, uses: Mapping[str, datetime]) -> None:
        """Writes down when keys, by their ids, were last used, where no later time stands."""
        used, moment = bindparam("used", type_=String), bindparam("moment", type_=Moment)
        is_later = or_(KEYS.c.last_used_at.is_(None), KEYS.c.last_used_at < moment)
        with self._connection() as connection:
            rows = [{"used": identity, "moment": moment} for identity, moment in sorted(uses.items())]
            connection.execute(update(KEYS).where(KEYS.c.id == used, is_later).values(last_used_at=moment), rows)

    def close(self) -> None:
        """Closes all connections."""
        self._engine.dispose()

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


def _key_of(row: Row[Any]) -> Key:
    known = frozenset(map(Scope, _SCOPES.intersection(row.scopes.split())))  # a newer Verger may have more
    return Key(**row._asdict() | {"scopes": known, "kind": Kind(row.kind)})
