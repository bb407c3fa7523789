"""Wraps every gRPC call: reads its messages, sets a time limit, counts calls, and turns errors into statuses."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import grpc
import structlog

from engine.errors import VergerError
from services.common.errors import DeadlineExceeded, OutOfMemory, RequestMalformed
from services.common.rpc import metrics
from services.common.rpc.clients import identify
from services.common.rpc.foreign import guarded
from services.common.rpc.inbox import Arrived, Inbox, Incoming, arrival_of
from services.common.rpc.statuses import abort

log = structlog.get_logger(__name__)

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"  # generic in its type stubs only
Arrivals: TypeAlias = AsyncIterator[Arrived[Any]]
Admit: TypeAlias = Callable[[str, Context], Awaitable[None]]
"""Raises a VergerError if the caller may not call the method with this full name."""


async def admit_everybody(_method: str, _context: Context) -> None:
    """Admits every call."""


FOREIGN = "/grpc."
"""Start of the names of gRPC's own methods."""


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Wraps the methods of Verger's own services. Health and reflection are only guarded against malformed messages."""

    def __init__(self, request_timeout_seconds: float, inbox: Inbox, admit: Admit = admit_everybody) -> None:
        """Creates the interceptor.

        Args:
            request_timeout_seconds: time limit of unary calls whose client sets no deadline. Streams have no limit.
            inbox: reads the messages of all calls.
            admit: is asked before a message is read, and before each response of a stream, which may live for hours.
        """
        self._timeout = request_timeout_seconds
        self._inbox = inbox
        self._admit = admit
        self._wrapped: dict[str, Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        method = handler_call_details.method
        if method in self._wrapped:
            return self._wrapped[method]
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        self._wrapped[method] = guarded(handler) if method.startswith(FOREIGN) else self._wrap(method, handler)
        return self._wrapped[method]

    def _wrap(self, method: str, handler: Any) -> Handler:
        arrive = arrival_of(handler.request_deserializer)
        if handler.request_streaming:
            return grpc.stream_stream_rpc_method_handler(
                self._wrap_stream(method, handler.stream_stream), arrive, handler.response_serializer
            )
        # On the wire, a unary call is a stream of one message. gRPC would read that before it asks, and hold it longer.
        return grpc.stream_unary_rpc_method_handler(
            self._wrap_unary(method, handler.unary_unary), arrive, handler.response_serializer
        )

    def _wrap_unary(self, method: str, answer: Any) -> Callable[[Arrivals, Context], Awaitable[Any]]:
        call_seconds = metrics.CALL_SECONDS.labels(method)

        async def call(arrivals: Arrivals, context: Context) -> Any:
            async with self._observed(method, context):
                seconds = None if context.time_remaining() is not None else self._timeout
                try:
                    async with asyncio.timeout(seconds):
                        await self._admit(method, context)
                        received = await self._inbox.receive(arrivals, identify(context))
                        if received is None:
                            raise RequestMalformed("The call ended without a message. Send one.")
                        arrived, reservation = received
                        try:
                            with call_seconds.time():
                                return await answer(arrived.take(), context)
                        finally:
                            reservation.release()
                except TimeoutError:
                    raise DeadlineExceeded(f"The call took longer than {self._timeout:g} s.") from None

        return call

    def _wrap_stream(self, method: str, answer: Any) -> Callable[[Arrivals, Context], AsyncIterator[Any]]:
        async def call(arrivals: Arrivals, context: Context) -> AsyncIterator[Any]:
            async with self._observed(method, context):
                await self._admit(method, context)
                requests = Incoming(self._inbox, arrivals, identify(context))
                try:
                    async for response in answer(requests, context):
                        await self._admit(method, context)
                        yield response
                finally:
                    requests.close()

        return call

    @asynccontextmanager
    async def _observed(self, method: str, context: Context) -> AsyncIterator[None]:
        code = "OK"
        metrics.CALLS_IN_FLIGHT.labels(method).inc()
        try:
            yield
        except (VergerError, MemoryError) as raised:
            error = raised if isinstance(raised, VergerError) else OutOfMemory()
            code = error.code
            log.info("call refused", method=method, code=code, reason=error.reason, message=str(error))
            await abort(context, error)
        except asyncio.CancelledError:
            code = "CANCELLED"
            raise
        except Exception:
            code = "INTERNAL"
            log.exception("call failed", method=method)
            await abort(context, VergerError("Something went wrong here. The log of this service says what."))
        finally:
            metrics.CALLS_IN_FLIGHT.labels(method).dec()
            metrics.CALLS.labels(method, code).inc()
