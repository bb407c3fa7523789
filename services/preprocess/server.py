"""Assembles the preprocess service from its parts."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing, suppress

import grpc
from verger.v1 import classifier_pb2_grpc

from engine.photo.opening import Limits
from services.access.gate import Gate
from services.access.keys import Scope
from services.access.quotas.quotas import Quotas
from services.access.rpc import Count, PhotoCounter, admission, count_nothing
from services.access.start import key_store
from services.common.capacity.limit import AdaptiveLimit
from services.common.capacity.pool import WorkPool
from services.common.errors import DecodingStuck
from services.common.oip.servicer import INFER_METHOD, MODEL_METHODS, SERVER_METHODS, add_open_inference
from services.common.oip.servicer import SERVICE_NAME as OPEN_INFERENCE
from services.common.rpc.channel import open_channel
from services.common.rpc.interceptor import Admit, admit_everybody
from services.common.rpc.server import RunningServer, running_server
from services.preprocess.classifying import PhotoClassifier
from services.preprocess.client import InferenceClient
from services.preprocess.config import PreprocessSettings
from services.preprocess.decoder import Decoder, HeavyLimits
from services.preprocess.open_inference import PhotoServicer
from services.preprocess.servicer import ClassifierServicer

SERVICE_NAME = "verger.v1.ClassifierService"

SCOPES: Mapping[str, Scope | None] = {
    **{f"/{SERVICE_NAME}/{method}": Scope.CLASSIFY for method in ("Classify", "ClassifyStream", "DescribeClassifier")},
    **dict.fromkeys(MODEL_METHODS, Scope.CLASSIFY),
    **dict.fromkeys(SERVER_METHODS),
}

PHOTO_METHODS = {f"/{SERVICE_NAME}/{method}" for method in ("Classify", "ClassifyStream")} | {INFER_METHOD}

READINESS_SECONDS = 0.5
"""Interval at which the health follows the state of the decoder."""

MAX_CLOSE_SECONDS = 5.0
"""Time that the worker processes get to end. The end of this process does not wait longer for them."""


@asynccontextmanager
async def preprocess_server(settings: PreprocessSettings) -> AsyncIterator[RunningServer]:
    """Serves until the block ends.

    The server is ready once inference has a live version with a supported contract, except while its threads are stuck.
    """
    pool = WorkPool("decode", settings.preprocess_workers)
    limit = AdaptiveLimit(settings.min_places, settings.preprocess_max_in_flight)
    heavy = HeavyLimits(
        settings.preprocess_heavy_workers, settings.preprocess_decode_seconds, settings.decode_budget_bytes
    )
    decoder = Decoder(pool, Limits(settings.max_image_bytes, settings.max_image_pixels), heavy)
    async with (
        _admission(settings) as (admit, count),
        open_channel(settings.inference_target, settings) as tensors,
        open_channel(settings.inference_target, settings) as descriptions,
    ):
        inference = InferenceClient(tensors, descriptions, settings.request_timeout_seconds)
        classifier = PhotoClassifier(inference, limit, decoder, count)

        def add_servicers(server: grpc.aio.Server) -> None:
            max_items_in_flight = 2 * settings.preprocess_workers
            servicer = ClassifierServicer(classifier, max_items_in_flight)
            classifier_pb2_grpc.add_ClassifierServiceServicer_to_server(servicer, server)
            add_open_inference(PhotoServicer(classifier, max_items_in_flight), server)

        async with running_server(
            settings,
            settings.preprocess_port,
            settings.preprocess_metrics_port,
            [SERVICE_NAME, OPEN_INFERENCE],
            add_servicers,
            admit,
        ) as server:

            async def report_readiness() -> None:
                await inference.wait_for_tensor_format(lambda reason: server.set_ready(False, reason))
                while True:
                    await server.set_ready(not decoder.is_stuck, DecodingStuck.reason)
                    await asyncio.sleep(READINESS_SECONDS)

            reporting = asyncio.create_task(report_readiness())
            try:
                yield server
            finally:
                reporting.cancel()
                with suppress(asyncio.CancelledError):
                    await reporting
    pool.close()
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.to_thread(decoder.close), MAX_CLOSE_SECONDS)


@asynccontextmanager
async def _admission(settings: PreprocessSettings) -> AsyncIterator[tuple[Admit, Count]]:
    """Yields what decides who may call, and what counts their photos."""
    store = key_store(settings, "preprocess")
    if store is None:
        yield admit_everybody, count_nothing
        return
    with closing(store):
        async with Gate(store, settings.public) as gate:
            if not settings.policy.limits_anything:
                yield admission(gate, SCOPES), count_nothing
                return
            async with Quotas(store, settings.policy) as quotas:
                counter = PhotoCounter(quotas, PHOTO_METHODS, settings.trusted_proxies)
                yield admission(gate, SCOPES, counter), counter.count
