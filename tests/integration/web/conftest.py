"""The web service on a real port, in front of a real gRPC server with scripted answers."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from services.access.database import open_database
from services.access.store import KeyStore
from tests.support.page.guarded_site import GuardedSite
from tests.support.page.scripted_classifier import ScriptedClassifier, scripted_server, web_server


@pytest.fixture
async def classifier() -> ScriptedClassifier:
    """The scripted answers of preprocess."""
    return ScriptedClassifier()


@pytest.fixture
async def preprocess_port(classifier: ScriptedClassifier) -> AsyncIterator[int]:
    """The port of the scripted preprocess service."""
    async with scripted_server(classifier) as port:
        yield port


@pytest.fixture
async def client(preprocess_port: int) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the web service with small limits."""
    limits = {"max_image_bytes": 200_000, "max_request_bytes": 600_000, "max_files_per_request": 9}
    async with (
        web_server(preprocess_port, request_timeout_seconds=5, **limits) as address,
        httpx.AsyncClient(base_url=address, timeout=30) as client,
    ):
        yield client


@pytest.fixture
async def site(preprocess_port: int, tmp_path: Path) -> AsyncIterator[GuardedSite]:
    """A web service that asks for keys, with an empty database of its own."""
    file = tmp_path / "access.db"
    store = KeyStore(open_database(f"sqlite:///{file}"))
    store.load()
    async with AsyncExitStack() as stack:
        site = GuardedSite(store, file, preprocess_port, stack)
        site.address = await site.start_web()
        yield site
    store.close()
