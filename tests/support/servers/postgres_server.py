"""A PostgreSQL server of its own, where the machine has its programs."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg

from tests.support.servers.mlflow_server import free_port
from tests.support.waiting import wait_until

_USER = "postgres"
"""Who runs the server where the tests run as root, which PostgreSQL refuses."""

_numbers = count()


def why_no_postgres() -> str | None:
    """Returns why there is no server here, or None if one can be started."""
    return None if _program("initdb") and _program("postgres") else "PostgreSQL is not installed"


@dataclass
class PostgresServer:
    """A running server that trusts every caller."""

    port: int

    def new_database(self) -> str:
        """Makes an empty database and returns its address."""
        name = f"test{next(_numbers)}"
        with self.connect("postgres") as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql://verger@127.0.0.1:{self.port}/{name}"

    def connect(self, database: str) -> "psycopg.Connection[tuple[object, ...]]":
        """Connects without Verger's code."""
        return psycopg.connect(host="127.0.0.1", port=self.port, user="verger", dbname=database, autocommit=True)

    def answers(self) -> bool:
        """Whether it accepts connections."""
        try:
            self.connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Runs a server until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="verger-postgres-"))
    user = _USER if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    data, server = folder / "data", PostgresServer(free_port())
    initdb = [
        _program("initdb"),
        f"--pgdata={data}",
        "--username=verger",
        "--auth=trust",
        "--no-sync",
        "--locale=C.UTF-8",
    ]
    subprocess.run(initdb, user=user, cwd=folder, check=True, capture_output=True)
    options = {"port": server.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
    arguments = [argument for name, value in options.items() for argument in ("-c", f"{name}={value}")]
    process = subprocess.Popen(
        [_program("postgres"), "-D", str(data), *arguments], user=user, cwd=folder, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(server.answers, seconds=60, what="the start of PostgreSQL")
        yield server
    finally:
        process.terminate()
        process.wait(timeout=60)
        shutil.rmtree(folder, ignore_errors=True)


def _program(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(found[-1]) if found else "")
