"""The tables of keys, sessions, links, watched models, quotas and the audit, as the newest migration leaves them."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)

from services.common.database import Moment

METADATA = MetaData()

KEYS = Table(
    "access_keys",
    METADATA,
    Column("id", String(12), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("name", String(100), nullable=False),
    Column("owner", String(100), nullable=False),
    Column("scopes", String(400), nullable=False),  # names with spaces between them, as in OAuth
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("revoked_at", Moment),
    Column("last_used_at", Moment),
)

CHANGES = Table(
    "access_changes",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("revision", BigInteger, nullable=False),
)
"""One row, with the number of changes of keys and sessions. Servers ask for it often, and for the rest if it grows."""

SESSIONS = Table(
    "access_sessions",
    METADATA,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("key", String(12), nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
)

LINKS = Table(
    "access_links",
    METADATA,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("key", String(12), nullable=False),
    Column("expires_at", Moment, nullable=False),
)

MODELS = Table(
    "access_models",
    METADATA,
    Column("name", String(200), primary_key=True),
    Column("holder", String(100), nullable=False),
    Column("held_until", Moment, nullable=False),
    Column("seen", JSON),
)
"""What the audit has seen of each registered model, and which process watches it until when."""

AUDIT = Table(
    "access_audit",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("at", Moment, nullable=False),
    Column("who", String(100), nullable=False),
    Column("place", String(100), nullable=False),
    Column("action", String(40), nullable=False),
    Column("subject", String(100), nullable=False),
    Column("result", String(40), nullable=False),
    Column("details", JSON, nullable=False),
    Column("revision", BigInteger),  # the number of this change of the keys, if it is one
)
"""Triggers refuse to change or delete a row."""

QUOTAS = Table(
    "access_quotas",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("account", String(200), nullable=False),
    Column("at", Double, nullable=False),  # seconds since 1970, by the database's clock; SQLite's times have no parts
    Column("amount", BigInteger, nullable=False),
    Index("access_quotas_account", "account", "at"),
    Index("access_quotas_at", "at"),
)
"""What processes have taken of the limits of callers within the last minute."""
