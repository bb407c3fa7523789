"""Gives the keys of users a role and a database of their own, beside MLflow's, where keys are asked for.

usage: python keys_database.py ACCESS FOLDER

Does nothing unless ACCESS is “keys”. FOLDER/pgpass gets the password of the role `access`, in PostgreSQL's format; an
existing one is kept. PostgreSQL's own variables (PGHOST, PGUSER, PGPASSFILE, ...) say where the database is and who may
make roles in it. All of it may be repeated.
"""

import os
import secrets
import sys
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

ROLE = DATABASE = Identifier("access")

MAX_CONNECTIONS = 60
"""PostgreSQL takes 100. MLflow gets its own however many are opened with this role."""


def main(access: str, folder: Path) -> None:
    """Makes what is missing, and shuts each role out of the databases of others."""
    if access != "keys":
        return
    password = _password(folder / "pgpass")
    with psycopg.connect(autocommit=True, connect_timeout=10) as connection:
        # The server gets a digest, as psql's \\password sends it, so that no log of statements has the password.
        digest = connection.pgconn.encrypt_password(password.encode(), b"access", b"scram-sha-256").decode()
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'access'").fetchone():
            connection.execute(SQL("CREATE ROLE {}").format(ROLE))
        connection.execute(
            SQL("ALTER ROLE {} LOGIN CONNECTION LIMIT {} PASSWORD {}").format(ROLE, MAX_CONNECTIONS, digest)
        )
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'access'").fetchone():
            connection.execute(SQL("CREATE DATABASE {} OWNER {}").format(DATABASE, ROLE))
        # By default, each role may connect to each database.
        for (name,) in connection.execute("SELECT datname FROM pg_database WHERE datallowconn").fetchall():
            connection.execute(SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(Identifier(name)))


def _password(pgpass: Path) -> str:
    """Returns the password in the file. A new one is in place whole or not at all, and strangers can't read it."""
    if not pgpass.exists():
        new = pgpass.with_suffix(".new")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"*:*:access:access:{secrets.token_urlsafe(32)}\n")
        new.replace(pgpass)
    return pgpass.read_text(encoding="utf-8").strip().rpartition(":")[2]


main(sys.argv[1], Path(sys.argv[2]))
