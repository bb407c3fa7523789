"""Guards the methods of gRPC's own services, health and reflection, against bytes that are no message."""

from collections.abc import AsyncIterable, AsyncIterator
from typing import Any, TypeAlias

import grpc

from engine.errors import VergerError
from services.common.rpc.inbox import Arrived, arrival_of
from services.common.rpc.statuses import abort

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


def guarded(handler: Any) -> "grpc.RpcMethodHandler[Any, Any]":
    """Returns a handler that does the same, and answers malformed messages with INVALID_ARGUMENT.

    Of methods with a stream of responses, those that read one message write to the context, and those that read a
    stream yield their responses; that is how Health.Watch and the reflection are made.
    """

    async def one_to_one(arrived: Arrived[Any], context: Context) -> Any:
        return await handler.unary_unary(await _taken(arrived, context), context)

    async def one_to_many(arrived: Arrived[Any], context: Context) -> None:
        await handler.unary_stream(await _taken(arrived, context), context)

    async def many_to_many(arrivals: AsyncIterable[Arrived[Any]], context: Context) -> AsyncIterator[Any]:
        async def messages() -> AsyncIterator[Any]:
            async for arrived in arrivals:
                yield await _taken(arrived, context)

        async for response in handler.stream_stream(messages(), context):
            yield response

    arrive, serialize = arrival_of(handler.request_deserializer), handler.response_serializer
    if handler.request_streaming:
        return grpc.stream_stream_rpc_method_handler(many_to_many, arrive, serialize)
    if handler.response_streaming:
        return grpc.unary_stream_rpc_method_handler(one_to_many, arrive, serialize)
    return grpc.unary_unary_rpc_method_handler(one_to_one, arrive, serialize)


async def _taken(arrived: Arrived[Any], context: Context) -> Any:
    try:
        return arrived.take()
    except VergerError as error:
        await abort(context, error)
