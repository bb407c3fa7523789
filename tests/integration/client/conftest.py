"""The client by each of its doors, in front of real servers with scripted answers."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any

import pytest
from verger_client import Answer, AsyncClient, Client, Result

from tests.support.page.scripted_classifier import ScriptedClassifier, scripted_server, web_server


@dataclass
class Door:
    """One of the clients and protocols. A blocking client runs in a thread, as the servers use the event loop."""

    client: Client | AsyncClient

    async def classify(self, photo: Any, **options: Any) -> Answer:
        if isinstance(self.client, AsyncClient):
            return await self.client.classify(photo, **options)
        return await asyncio.to_thread(self.client.classify, photo, **options)

    async def classify_many(self, photos: Iterable[Any], **options: Any) -> list[Result]:
        if isinstance(self.client, AsyncClient):
            return [result async for result in self.client.classify_many(photos, **options)]
        blocking = self.client
        return await asyncio.to_thread(lambda: [*blocking.classify_many(photos, **options)])

    async def close(self) -> None:
        if isinstance(self.client, AsyncClient):
            await self.client.close()
        else:
            await asyncio.to_thread(self.client.close)


@pytest.fixture
async def classifier() -> ScriptedClassifier:
    return ScriptedClassifier()


@pytest.fixture
async def preprocess_port(classifier: ScriptedClassifier) -> AsyncIterator[int]:
    async with scripted_server(classifier) as port:
        yield port


@pytest.fixture(params=["grpc", "rest"])
async def address(preprocess_port: int, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """The address of the scripted server over each protocol."""
    if request.param == "grpc":
        yield f"127.0.0.1:{preprocess_port}"
        return
    async with web_server(preprocess_port, request_timeout_seconds=5) as web:
        yield web


@pytest.fixture(params=[Client, AsyncClient])
async def door(address: str, request: pytest.FixtureRequest) -> AsyncIterator[Door]:
    door = Door(request.param(address, timeout=20))
    yield door
    await door.close()
