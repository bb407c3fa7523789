"""Two web and two preprocess processes that share a database: a key has its limit once, by whichever door it comes."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import grpc
import httpx
import pytest
from verger.v1 import classifier_pb2, classifier_pb2_grpc, inference_pb2

from engine.contract import CONTRACT_FILE, read_contract
from services.access.database import open_database
from services.access.keys import Scope
from services.access.store import KeyStore
from tests.support.page.scripted_classifier import BANANA
from tests.support.pictures.photos import encoded, plain
from tests.support.servers.mlflow_server import free_port
from tests.support.servers.scripted_inference import ScriptedInference, scripted_server
from tests.support.servers.services import service
from tests.support.statuses import code_and_reason
from tests.support.tiny_model import tiny_version
from tests.support.waiting import eventually

PHOTO = encoded(plain())
LIMIT = 200
EXCEEDED = "QUOTA_EXCEEDED"

Door = Callable[[str], Awaitable[str]]
"""Sends a photo with a key. Returns why it was refused; an empty text if it was answered."""


@dataclass
class System:
    """The doors of all processes, and the database of keys."""

    doors: list[Door]
    store: KeyStore

    def key(self, name: str) -> str:
        return self.store.make(name, "anna", frozenset({Scope.CLASSIFY}), None).text


async def over_rest(client: httpx.AsyncClient, key: str) -> str:
    headers = {"Authorization": f"Bearer {key}"}
    try:
        answer = await client.post("/api/v1/classify", content=PHOTO, headers=headers)
    except httpx.ConnectError:
        return "NOT_STARTED"
    return str(answer.json().get("reason", ""))


async def over_grpc(channel: grpc.aio.Channel, key: str) -> str:
    stub, metadata = classifier_pb2_grpc.ClassifierServiceStub(channel), [("authorization", f"Bearer {key}")]
    try:
        request = classifier_pb2.ClassifyRequest(image=PHOTO)
        await stub.Classify(request, metadata=metadata, timeout=240, wait_for_ready=True)
    except grpc.aio.AioRpcError as refused:
        return code_and_reason(refused)[1]
    return ""


class Bananas(ScriptedInference):
    """Sees a banana in every photo."""

    async def Infer(
        self, requests: AsyncIterable[inference_pb2.InferRequest], context: object
    ) -> AsyncIterator[inference_pb2.InferResponse]:
        async for request in requests:
            yield inference_pb2.InferResponse(request_id=request.request_id, classification=BANANA.classification)


@asynccontextmanager
async def started(folder: Path) -> AsyncIterator[System]:
    address = f"sqlite:///{folder / 'access.db'}"
    store = KeyStore(open_database(address))
    store.load()
    inference, preprocess, web = free_port(), [free_port() for _ in range(2)], [free_port() for _ in range(2)]
    common = {
        "VERGER_ACCESS": "keys",
        "VERGER_ACCESS_DATABASE_URL": address,
        "VERGER_INFERENCE_TARGET": f"127.0.0.1:{inference}",
        "VERGER_KEY_PHOTOS_PER_MINUTE": str(LIMIT),
        "VERGER_LOG_LEVEL": "warning",
        "VERGER_PREPROCESS_METRICS_PORT": "0",
        "VERGER_PREPROCESS_WORKERS": "4",  # with places for all of these photos, however busy the machine is
        "VERGER_PREPROCESS_TARGET": "ipv4:" + ",".join(f"127.0.0.1:{port}" for port in preprocess),
    }
    settings = [("preprocess", {"VERGER_PREPROCESS_PORT": str(port)}) for port in preprocess]
    settings += [("web", {"VERGER_WEB_PORT": str(port)}) for port in web]
    doors: list[Door] = []
    async with AsyncExitStack() as stack:
        stack.callback(store.close)
        scripted = Bananas(read_contract(tiny_version(folder / "version") / CONTRACT_FILE))
        await stack.enter_async_context(scripted_server(scripted, inference))
        for name, own in settings:
            await stack.enter_async_context(service(name, folder, common | own))
        for port in preprocess:
            channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
            doors.append(partial(over_grpc, await stack.enter_async_context(channel)))
        for port in web:
            client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60)
            doors.append(partial(over_rest, await stack.enter_async_context(client)))
        yield System(doors, store)


async def flood(door: Door, key: str) -> int:
    """Sends photos, two at a time, until many of them were refused. Returns how many were answered."""
    outcomes: list[str] = []
    while outcomes.count(EXCEEDED) < 20:
        outcomes += await asyncio.gather(door(key), door(key))
    assert set(outcomes) <= {"", EXCEEDED}
    return outcomes.count("")


@pytest.mark.timeout(600)
async def test_a_key_has_its_limit_once_within_5_percent_and_another_key_notices_nothing(tmp_path: Path) -> None:
    async with started(tmp_path) as system:
        first, flooding, polite = (system.key(name) for name in ("first", "flooding", "polite"))
        for door in system.doors:

            async def is_open(door: Door = door) -> bool:
                return await door(first) == ""

            await eventually(is_open, "the start", seconds=240)
        began = asyncio.get_running_loop().time()
        floods = asyncio.gather(*(flood(door, flooding) for door in system.doors))
        answered = [await door(polite) for door in system.doors * 3]
        total = sum(await floods)
        minutes = 1 + int((asyncio.get_running_loop().time() - began) / 60)  # 1, unless the machine is very slow
    assert answered == [""] * 12
    assert 0.95 * LIMIT <= total <= 1.05 * LIMIT * minutes
