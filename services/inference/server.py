"""Assembles the inference service from its parts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress

import grpc
from verger.v1 import inference_pb2_grpc

from registry.reader import RegistryReader
from services.common.capacity.limit import AdaptiveLimit
from services.common.capacity.places import Places
from services.common.capacity.pool import WorkPool
from services.common.oip.servicer import SERVICE_NAME as OPEN_INFERENCE
from services.common.oip.servicer import add_open_inference
from services.common.rpc.server import RunningServer, running_server
from services.inference.champion import Champion
from services.inference.config import InferenceSettings
from services.inference.open_inference import TensorServicer
from services.inference.servicer import InferenceServicer
from services.inference.store import ModelStore

SERVICE_NAME = "verger.v1.InferenceService"

MAX_CORES_PER_CALL = 2
"""Cores for a call while no other call is in progress. Two save a fifth of its time; more were not measured."""


@asynccontextmanager
async def inference_server(settings: InferenceSettings) -> AsyncIterator[RunningServer]:
    """Serves until the block ends. The server is ready as soon as a version is live."""
    pool = WorkPool("compute", settings.inference_workers)
    places = Places(AdaptiveLimit(settings.inference_max_in_flight, settings.inference_max_in_flight))
    registry = RegistryReader(settings.mlflow_url, settings.model_name)

    async def report() -> None:
        absence = champion.absence
        await server.set_ready(absence is None, absence.reason if absence else "")

    cores = min(settings.inference_workers, MAX_CORES_PER_CALL)
    store = ModelStore(settings.model_cache_directory)
    champion = Champion(registry, store, report, cores, settings.train_command)
    # Restores the version before the port opens, so that a restart makes callers wait and refuses no call.
    await champion.restore()
    max_items_in_flight = 2 * settings.inference_workers
    servicer = InferenceServicer(champion, pool, places, max_items_in_flight)
    open_inference = TensorServicer(champion, pool, places, max_items_in_flight)

    def add_servicers(server: grpc.aio.Server) -> None:
        inference_pb2_grpc.add_InferenceServiceServicer_to_server(servicer, server)
        add_open_inference(open_inference, server)

    async with running_server(
        settings,
        settings.inference_port,
        settings.inference_metrics_port,
        [SERVICE_NAME, OPEN_INFERENCE],
        add_servicers,
    ) as server:
        await report()
        following = asyncio.create_task(champion.follow(settings.model_poll_seconds))
        try:
            async with _recording(settings, registry):
                yield server
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following
    pool.close()


def _recording(settings: InferenceSettings, registry: RegistryReader) -> AbstractAsyncContextManager[None]:
    """Keeps the audit of versions where there is a database for it."""
    if settings.access_database_url is None:
        return nullcontext()
    from services.inference.recorder import recording  # SQLAlchemy takes memory and half a second of the start

    return recording(registry, settings.access_database_url.get_secret_value())
