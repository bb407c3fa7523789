"""Gives a part of Verger a role and a database of its own, beside MLflow's. Both have the same name.

usage: python own_database.py NAME FOLDER

FOLDER/pgpass gets the password of the role, in PostgreSQL's format; an
existing one is kept. PostgreSQL's own variables (PGHOST, PGUSER, PGPASSFILE, ...) say where the database is and who may
make roles in it. All of it may be repeated.
"""

import os
import secrets
import sys
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

MAX_CONNECTIONS = {"access": 60, "collection": 20}
"""PostgreSQL takes 100. MLflow gets its own however many are opened with these roles."""


def main(name: str, folder: Path) -> None:
    """Makes what is missing, and shuts each role out of the databases of others."""
    password, role = _password(folder / "pgpass", name), Identifier(name)
    with psycopg.connect(autocommit=True, connect_timeout=10) as connection:
        # The server gets a digest, as psql's \\password sends it, so that no log of statements has the password.
        digest = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone():
            connection.execute(SQL("CREATE ROLE {}").format(role))
        connection.execute(
            SQL("ALTER ROLE {} LOGIN CONNECTION LIMIT {} PASSWORD {}").format(role, MAX_CONNECTIONS[name], digest)
        )
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            connection.execute(SQL("CREATE DATABASE {} OWNER {}").format(role, role))
        # By default, each role may connect to each database.
        for (database,) in connection.execute("SELECT datname FROM pg_database WHERE datallowconn").fetchall():
            connection.execute(SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(Identifier(database)))


def _password(pgpass: Path, role: str) -> str:
    """Returns the password in the file. A new one is in place whole or not at all, and strangers can't read it."""
    if not pgpass.exists():
        new = pgpass.with_suffix(".new")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"*:*:{role}:{role}:{secrets.token_urlsafe(32)}\n")
        new.replace(pgpass)
    return pgpass.read_text(encoding="utf-8").strip().rpartition(":")[2]


main(sys.argv[1], Path(sys.argv[2]))
