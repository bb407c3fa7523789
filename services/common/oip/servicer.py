"""What every gRPC server of the protocol does alike, whatever its model."""

from abc import ABC, abstractmethod
from asyncio import Semaphore, create_task, gather
from collections.abc import Callable, Coroutine, Sequence
from importlib.metadata import version
from typing import Any, TypeVar

import grpc
from verger.oip import open_inference_pb2, open_inference_pb2_grpc

from engine.errors import VergerError
from services.common.oip.errors import ModelControlUnsupported
from services.common.oip.models import SERVER_NAME, ServedModel
from services.common.rpc.interceptor import Context

SERVICE_NAME = "inference.GRPCInferenceService"

CONTROL_METHODS = ("RepositoryIndex", "RepositoryModelLoad", "RepositoryModelUnload")
"""Calls of the repository extension, by which clients would choose what is loaded."""

SERVER_METHODS = tuple(f"/{SERVICE_NAME}/{method}" for method in ("ServerLive", "ServerReady", "ServerMetadata"))
"""Full names of the methods that tell nothing of the model; probes call them."""

MODEL_METHODS = tuple(
    f"/{SERVICE_NAME}/{method}" for method in ("ModelReady", "ModelMetadata", "ModelInfer", *CONTROL_METHODS)
)
"""Full names of all other methods."""

INFER_METHOD = f"/{SERVICE_NAME}/ModelInfer"

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class OpenInferenceServicer(open_inference_pb2_grpc.GRPCInferenceServiceServicer, ABC):
    """All methods but ModelInfer; see protos/verger/oip/open_inference.proto."""

    @abstractmethod
    async def served(self) -> ServedModel:
        """Returns the live version.

        Raises:
            VergerError: there is none, or it can't be run at the moment.
        """

    async def ServerLive(self, _request: object, _context: Context) -> open_inference_pb2.ServerLiveResponse:
        return open_inference_pb2.ServerLiveResponse(live=True)

    async def ServerReady(self, _request: object, _context: Context) -> open_inference_pb2.ServerReadyResponse:
        return open_inference_pb2.ServerReadyResponse(ready=await self._is_ready())

    async def ModelReady(
        self, request: open_inference_pb2.ModelReadyRequest, _context: Context
    ) -> open_inference_pb2.ModelReadyResponse:
        return open_inference_pb2.ModelReadyResponse(ready=await self._is_ready(request))

    async def ServerMetadata(self, _request: object, _context: Context) -> open_inference_pb2.ServerMetadataResponse:
        return open_inference_pb2.ServerMetadataResponse(name=SERVER_NAME, version=version("verger-protos"))

    async def ModelMetadata(
        self, request: open_inference_pb2.ModelMetadataRequest, _context: Context
    ) -> open_inference_pb2.ModelMetadataResponse:
        model = await self.served()
        model.check(request.name, request.version)
        return model.metadata()

    async def _is_ready(self, request: open_inference_pb2.ModelReadyRequest | None = None) -> bool:
        try:
            model = await self.served()
            if request is not None:
                model.check(request.name, request.version)
        except VergerError:
            return False
        return True


def add_open_inference(servicer: OpenInferenceServicer, server: grpc.aio.Server) -> None:
    """Adds the protocol to a server. Clients that try to load or unload models are told why they can't."""
    open_inference_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(servicer, server)
    refusal = grpc.unary_unary_rpc_method_handler(_refuse_control, bytes, bytes)
    handlers = dict.fromkeys(CONTROL_METHODS, refusal)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE_NAME, handlers),))


async def _refuse_control(_request: bytes, _context: Context) -> bytes:
    raise ModelControlUnsupported.explained()


async def answer_in_order(
    items: Sequence[Item], answer: Callable[[int, Item], Coroutine[Any, Any, Answer]], max_in_flight: int
) -> list[Answer]:
    """Answers the items of a batch, at most `max_in_flight` of them at a time; `answer` also gets the place of each.

    The first error ends the batch, and all answers in progress are cancelled.
    """
    slots = Semaphore(max_in_flight)

    async def answer_in_turn(place: int, item: Item) -> Answer:
        async with slots:
            return await answer(place, item)

    tasks = [create_task(answer_in_turn(place, item)) for place, item in enumerate(items)]
    try:
        return await gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
