"""Opens a relational database and brings its tables up to date: SQLite in a file, or PostgreSQL."""

import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, DateTime, Dialect, Engine, NullPool, create_engine, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.types import TypeDecorator

TIMEOUT_SECONDS = 2
"""How long a server waits for a database."""

UPGRADE_SECONDS = 30
"""How long a process waits for another one that changes the tables, and how long such a change may take."""

_upgrading = threading.Lock()
"""Alembic works on one database of a process at a time, because its scripts find their context in a global variable."""


class DatabaseUnusable(Exception):
    """The database can't be used as it is; str(error) says what to do. It never contains the database's address."""


class Schema(NamedTuple):
    """The tables that one part of Verger keeps in a database, which may hold those of others, too."""

    what: str
    """Such as “keys”, for messages."""

    setting: str
    """The variable with the database's address."""

    migrations: Path
    """Folder of Alembic's scripts."""

    version_table: str
    """Alembic's own table. Its usual name belongs to MLflow, whose database may be the same."""

    lock: int
    """Number of the lock under which the tables are changed."""


class Moment(TypeDecorator[datetime]):
    """A time with its zone. SQLite forgets zones, so all times are stored in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Converts a time to UTC."""
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Gives a time of the database its zone."""
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def open_engine(address: str, schema: Schema) -> Engine:
    """Returns an engine for a database. It connects when it is first used.

    Raises:
        DatabaseUnusable: the address is none of SQLite or PostgreSQL.
    """
    try:
        url = make_url(address)
    except ArgumentError:
        raise DatabaseUnusable(f"{schema.setting} is no address of a database.") from None
    backend = url.get_backend_name()
    if backend == "sqlite" and url.database not in (None, "", ":memory:"):
        return _open_sqlite(url, Path(url.database or ""), schema)
    if backend == "postgresql":
        waits = {"connect_timeout": TIMEOUT_SECONDS, "tcp_user_timeout": TIMEOUT_SECONDS * 1000}
        statements = {"options": f"-c statement_timeout={TIMEOUT_SECONDS * 1000}"}
        return create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            connect_args=waits | statements,
            hide_parameters=True,
        )
    raise DatabaseUnusable(f"{schema.setting} must be sqlite:////FOLDER/FILE.db or postgresql://USER@HOST/DATABASE.")


def _open_sqlite(url: URL, file: Path, schema: Schema) -> Engine:
    """Makes the file, which its owner alone may read. Each use opens it anew: a backup may take its place."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise DatabaseUnusable(f"The database of {schema.what} can't be opened: {error}.") from error
    return create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args={"timeout": TIMEOUT_SECONDS})


def upgrade(engine: Engine, schema: Schema) -> None:
    """Brings the tables up to date. Of several processes that start at once, one does it.

    Raises:
        DatabaseUnusable: a newer Verger has changed the tables.
        SQLAlchemyError: the database is away.
    """
    config = Config()
    config.set_main_option("script_location", str(schema.migrations))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    with engine.connect() as connection:
        current = _revision_of(connection, schema)
    if current == scripts.get_current_head():
        return
    if current is not None and current not in {script.revision for script in scripts.walk_revisions()}:
        raise DatabaseUnusable(f"A newer Verger has made the database of {schema.what}. Update Verger.")
    with _upgrading, engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {UPGRADE_SECONDS * 1000}")
        else:
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {UPGRADE_SECONDS * 1000}")
        lock(connection, schema.lock)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def lock(connection: Connection, number: int) -> None:
    """Locks out all others who ask for the lock with this number until the end of the transaction, and with SQLite all
    who write.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({number})")


def _revision_of(connection: Connection, schema: Schema) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table": schema.version_table}).get_current_revision()
