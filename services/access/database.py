"""Opens the database of keys and brings its tables up to date."""

from pathlib import Path

from sqlalchemy import Engine

from services.common import database
from services.common.database import DatabaseUnusable, Schema, lock

__all__ = ["DatabaseUnusable", "lock", "open_database", "upgrade"]

VERSION_TABLE = "access_migrations"

SCHEMA = Schema(
    what="keys",
    setting="VERGER_ACCESS_DATABASE_URL",
    migrations=Path(__file__).parent / "migrations",
    version_table=VERSION_TABLE,
    lock=0x76657267,
)


def open_database(address: str) -> Engine:
    """Returns an engine for the database of keys; see services.common.database.open_engine."""
    return database.open_engine(address, SCHEMA)


def upgrade(engine: Engine) -> None:
    """Brings the tables up to date; see services.common.database.upgrade."""
    database.upgrade(engine, SCHEMA)
