"""Puts the inference service together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from verger.v1 import inference_pb2_grpc

from registry.models import Registry
from services.common.process.pool import WorkPool
from services.common.rpc.server import RunningServer, running_server
from services.inference.champion import Champion
from services.inference.config import InferenceSettings
from services.inference.servicer import InferenceServicer
from services.inference.store import ModelStore

SERVICE_NAME = "verger.v1.InferenceService"

CORES_OF_A_LONE_CALL = 2
"""A second core takes a fifth off the time of a lone photo. More were not measured."""


@asynccontextmanager
async def inference_server(settings: InferenceSettings) -> AsyncIterator[RunningServer]:
    """Serves until the block ends; ready as soon as a version is live."""
    pool = WorkPool("compute", settings.inference_workers, settings.inference_max_in_flight)
    registry = Registry(settings.mlflow_url, settings.model_name)

    async def on_live() -> None:
        await server.set_ready(True)

    cores = min(settings.inference_workers, CORES_OF_A_LONE_CALL)
    champion = Champion(registry, ModelStore(settings.model_cache_directory), on_live, cores)
    # Before anybody calls: a restart then costs callers a wait for the port, and not a refusal for want of a model.
    restored = await champion.restore()
    servicer = InferenceServicer(champion, pool, items_at_once=2 * settings.inference_workers)
    async with running_server(
        settings,
        settings.inference_port,
        settings.inference_metrics_port,
        [SERVICE_NAME],
        lambda server: inference_pb2_grpc.add_InferenceServiceServicer_to_server(servicer, server),
    ) as server:
        await server.set_ready(restored)
        following = asyncio.create_task(champion.follow(settings.model_poll_seconds))
        try:
            yield server
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following
    pool.close()
