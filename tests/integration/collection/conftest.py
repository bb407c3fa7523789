"""The collection service with real databases and real files."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.servers.collection_server import Collection, running_collection
from tests.support.servers.postgres_server import PostgresServer, running_postgres, why_no_postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL server for all tests; each test has a database of its own."""
    if reason := why_no_postgres():
        pytest.skip(reason)
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'database' / 'collection.db'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def collection(address: str, tmp_path: Path) -> Iterator[Collection]:
    """The service, with each of both databases."""
    with running_collection(tmp_path / "photos", address) as running:
        yield running
