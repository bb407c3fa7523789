"""What callers see while a server stops and restarts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from verger.v1 import classifier_pb2, classifier_pb2_grpc, inference_pb2, inference_pb2_grpc

from services.common.process.settings import ServiceSettings
from services.common.rpc.channel import open_channel
from services.common.rpc.server import RunningServer, running_server
from tests.support.servers.mlflow_server import free_port

RESTARTS, CALLERS = 10, 6


class Echo(inference_pb2_grpc.InferenceServiceServicer, classifier_pb2_grpc.ClassifierServiceServicer):
    """Takes 30 ms for each call, so that some calls are always in progress."""

    async def Infer(
        self, requests: AsyncIterator[inference_pb2.InferRequest], context: object
    ) -> AsyncIterator[object]:
        async for request in requests:
            await asyncio.sleep(0.03)
            yield inference_pb2.InferResponse(request_id=request.request_id)

    async def Classify(self, request: classifier_pb2.ClassifyRequest, context: object) -> object:
        await asyncio.sleep(0.03)
        return classifier_pb2.ClassifyResponse(request_id=request.request_id)


def echo_server(port: int) -> AbstractAsyncContextManager[RunningServer]:
    def add(server: grpc.aio.Server) -> None:
        inference_pb2_grpc.add_InferenceServiceServicer_to_server(Echo(), server)
        classifier_pb2_grpc.add_ClassifierServiceServicer_to_server(Echo(), server)

    return running_server(ServiceSettings(), port, 0, ["verger.v1.InferenceService"], add)


async def infer(channel: grpc.aio.Channel) -> None:
    async def one() -> AsyncIterator[inference_pb2.InferRequest]:
        yield inference_pb2.InferRequest(request_id="infer", tensor=inference_pb2.Tensor(data=bytes(150_528)))

    stub = inference_pb2_grpc.InferenceServiceStub(channel)
    async for response in stub.Infer(one(), timeout=30, wait_for_ready=True):
        assert response.request_id == "infer"
        return
    raise AssertionError("no answer")


async def classify(channel: grpc.aio.Channel) -> None:
    stub = classifier_pb2_grpc.ClassifierServiceStub(channel)
    request = classifier_pb2.ClassifyRequest(request_id="classify", image=bytes(150_528))
    assert (await stub.Classify(request, timeout=30, wait_for_ready=True)).request_id == "classify"


async def test_no_call_fails_while_the_only_server_restarts() -> None:
    port, over, answers = free_port(), asyncio.Event(), asyncio.Semaphore(0)

    async def keep_calling(channel: grpc.aio.Channel) -> None:
        while not over.is_set():
            await infer(channel)
            await classify(channel)
            answers.release()

    async with open_channel(f"dns:///localhost:{port}", ServiceSettings()) as channel:
        callers = [asyncio.create_task(keep_calling(channel)) for _ in range(CALLERS)]
        for _ in range(RESTARTS):
            async with echo_server(port), asyncio.timeout(60):
                for _ in range(CALLERS):
                    await answers.acquire()
        async with echo_server(port):
            over.set()
            await asyncio.gather(*callers)


async def test_a_client_that_watches_health_does_not_delay_a_drain() -> None:
    port = free_port()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        async with echo_server(port):
            watching = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
            assert (await watching.read()).status == health_pb2.HealthCheckResponse.SERVING
        assert (await watching.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        assert await watching.read() is grpc.aio.EOF
        assert await watching.code() is grpc.StatusCode.OK
