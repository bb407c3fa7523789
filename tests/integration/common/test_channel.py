"""The channels from one service to the next, to a real server."""

import grpc
from verger.v1 import classifier_pb2, classifier_pb2_grpc

from services.common.process.settings import ServiceSettings
from services.common.rpc.channel import open_channel
from services.common.rpc.server import running_server

SERVICE = "verger.v1.ClassifierService"


class Peers(classifier_pb2_grpc.ClassifierServiceServicer):
    """Answers with the address of the connection that brought the call."""

    async def Classify(
        self, request: classifier_pb2.ClassifyRequest, context: grpc.aio.ServicerContext
    ) -> classifier_pb2.ClassifyResponse:
        return classifier_pb2.ClassifyResponse(request_id=context.peer())


async def test_channels_to_the_same_target_share_no_connection() -> None:
    """gRPC's health checks crash the process now and then where they do."""
    settings = ServiceSettings()
    async with running_server(
        settings,
        0,
        0,
        [SERVICE],
        lambda server: classifier_pb2_grpc.add_ClassifierServiceServicer_to_server(Peers(), server),
    ) as server:
        target = f"127.0.0.1:{server.port}"
        async with open_channel(target, settings) as first, open_channel(target, settings) as second:
            stubs = [classifier_pb2_grpc.ClassifierServiceStub(channel) for channel in (first, second, first)]
            asked = [
                await stub.Classify(classifier_pb2.ClassifyRequest(), timeout=30, wait_for_ready=True) for stub in stubs
            ]
    one, other, one_again = (answer.request_id for answer in asked)
    assert one != other
    assert one == one_again
