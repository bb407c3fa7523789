"""Opens the database of the collection and brings its tables up to date."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, event, insert, select

from services.access.audit import Entry
from services.collection.records.tables import AUDIT, UNSENT
from services.common import database
from services.common.database import Schema

VERSION_TABLE = "collection_migrations"

SCHEMA = Schema(
    what="the collection",
    setting="VERGER_COLLECTION_DATABASE_URL",
    migrations=Path(__file__).parent / "migrations",
    version_table=VERSION_TABLE,
    lock=0x76657263,
)


_ENTRIES, _SENDS = "verger_audit", "verger_sends_audit"

log = structlog.get_logger(__name__)


class Database:
    """The database. Everything raises SQLAlchemyError when it is away, and DatabaseUnusable as `upgrade`."""

    def __init__(self, address: str, sends_audit: bool = False) -> None:
        """Prepares the connection to a database.

        Args:
            address: see CollectionSettings.collection_database.
            sends_audit: whether entries of the audit are to be sent to that of keys, too; see outbox.py.

        Raises:
            DatabaseUnusable: the address names no database that can be used.
        """
        self._engine = _open(address)
        self._sends_audit = sends_audit
        self._is_current = False

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yields a connection that changes nothing."""
        self._upgrade()
        with self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yields a connection whose changes are all kept at the end of the block, or none if it raises.

        In SQLite, there is one writer at a time from the beginning of the block. In PostgreSQL, rows have to be locked.
        """
        self._upgrade()
        with self._engine.begin() as connection:
            if self._engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            entries: list[Entry] = []
            connection.info.update({_ENTRIES: entries, _SENDS: self._sends_audit})
            yield connection
        for entry in entries:
            log.info("audit", **entry.as_json())

    def check(self) -> None:
        """Asks the database for nothing."""
        with self.reading() as connection:
            connection.execute(select(1))

    def close(self) -> None:
        """Closes all connections."""
        self._engine.dispose()

    def _upgrade(self) -> None:
        if not self._is_current:
            database.upgrade(self._engine, SCHEMA)
            self._is_current = True


def _open(address: str) -> Engine:
    engine = database.open_engine(address, SCHEMA)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _: object) -> None:
    """Lets readers and a writer work at once (WAL), and has what is committed survive a loss of power."""
    for name, value in (("journal_mode", "WAL"), ("synchronous", "FULL"), ("foreign_keys", "ON")):
        connection.execute(f"PRAGMA {name} = {value}")


def write_entry(connection: Connection, entry: Entry) -> None:
    """Adds an entry to the audit, in the transaction of what it is about. The log has it after the transaction."""
    number = connection.execute(insert(AUDIT).values(asdict(entry)).returning(AUDIT.c.id)).scalar_one()
    if connection.info[_SENDS]:
        connection.execute(insert(UNSENT).values(entry=number))
    connection.info[_ENTRIES].append(entry)
