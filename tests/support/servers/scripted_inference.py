"""An inference service with scripted answers, and the real preprocess service in front of it."""

import asyncio
import json
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager

import grpc
from verger.v1 import classifier_pb2, classifier_pb2_grpc, inference_pb2, inference_pb2_grpc, model_pb2

from services.common.process.settings import ServiceSettings
from services.common.rpc.channel import SERVICE_CONFIG
from services.common.rpc.server import RunningServer, running_server
from services.inference.server import SERVICE_NAME as INFERENCE
from services.preprocess.config import PreprocessSettings
from services.preprocess.server import preprocess_server
from tests.support.background import in_background

Stub = classifier_pb2_grpc.ClassifierServiceStub


class ScriptedInference(inference_pb2_grpc.InferenceServiceServicer):
    """Answers after `seconds`, and counts the requests that it starts."""

    def __init__(self, contract: model_pb2.ModelContract, seconds: float = 0) -> None:
        self.contract, self.seconds, self.started = contract, seconds, 0

    async def GetModel(self, request: object, context: object) -> inference_pb2.GetModelResponse:
        return inference_pb2.GetModelResponse(model=model_pb2.Model(contract=self.contract))

    async def Infer(
        self, requests: AsyncIterable[inference_pb2.InferRequest], context: object
    ) -> AsyncIterator[inference_pb2.InferResponse]:
        async for request in requests:
            self.started += 1
            await asyncio.sleep(self.seconds)
            yield inference_pb2.InferResponse(
                request_id=request.request_id, classification=classifier_pb2.Classification()
            )


@asynccontextmanager
async def scripted_server(servicer: ScriptedInference, port: int) -> AsyncIterator[RunningServer]:
    """Serves the scripted answers."""
    async with running_server(
        ServiceSettings(drain_seconds=0),
        port,
        0,
        [INFERENCE],
        lambda server: inference_pb2_grpc.add_InferenceServiceServicer_to_server(servicer, server),
    ) as server:
        yield server


def preprocess_server_for(inference_port: int, **settings: object) -> AbstractAsyncContextManager[RunningServer]:
    """The preprocess service on a free port."""
    made = PreprocessSettings(
        preprocess_port=0,
        preprocess_metrics_port=0,
        inference_target=f"127.0.0.1:{inference_port}",
        drain_seconds=1,
        **settings,
    )
    return preprocess_server(made)


@contextmanager
def preprocess(inference_port: int, **settings: object) -> Iterator[Stub]:
    """A stub of a running preprocess service, whose channel retries as all of Verger's do."""
    with (
        in_background(preprocess_server_for(inference_port, **settings)) as server,
        grpc.insecure_channel(
            f"127.0.0.1:{server.port}", options=[("grpc.service_config", json.dumps(SERVICE_CONFIG))]
        ) as channel,
    ):
        yield Stub(channel)
