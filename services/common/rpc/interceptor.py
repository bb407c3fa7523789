"""Wraps every gRPC call: sets a time limit, counts calls, and turns errors into statuses."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import grpc
import structlog

from engine.errors import VergerError
from services.common.errors import DeadlineExceeded
from services.common.rpc import metrics
from services.common.rpc.statuses import abort

log = structlog.get_logger(__name__)

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"  # generic in its type stubs only


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Wraps the methods of Verger's own services. Health and reflection stay as they are."""

    def __init__(self, request_timeout_seconds: float) -> None:
        """Creates the interceptor.

        Args:
            request_timeout_seconds: time limit of unary calls whose client sets no deadline. Streams have no limit.
        """
        self._timeout = request_timeout_seconds
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
        if handler is None or not method.startswith("/verger."):
            return handler
        self._wrapped[method] = self._wrap(method, handler)
        return self._wrapped[method]

    def _wrap(self, method: str, handler: "grpc.RpcMethodHandler[Any, Any]") -> Handler:
        if handler.request_streaming:
            return grpc.stream_stream_rpc_method_handler(
                self._wrap_stream(method, handler.stream_stream),
                handler.request_deserializer,
                handler.response_serializer,
            )
        return grpc.unary_unary_rpc_method_handler(
            self._wrap_unary(method, handler.unary_unary),
            handler.request_deserializer,
            handler.response_serializer,
        )

    def _wrap_unary(self, method: str, answer: Any) -> Callable[[Any, Context], Awaitable[Any]]:
        call_seconds = metrics.CALL_SECONDS.labels(method)

        async def call(request: Any, context: Context) -> Any:
            async with self._observed(method, context):
                seconds = None if context.time_remaining() is not None else self._timeout
                try:
                    async with asyncio.timeout(seconds):
                        with call_seconds.time():
                            return await answer(request, context)
                except TimeoutError:
                    raise DeadlineExceeded(f"The call took longer than {self._timeout:g} s.") from None

        return call

    def _wrap_stream(self, method: str, answer: Any) -> Callable[[AsyncIterable[Any], Context], AsyncIterator[Any]]:
        async def call(requests: AsyncIterable[Any], context: Context) -> AsyncIterator[Any]:
            async with self._observed(method, context):
                async for response in answer(requests, context):
                    yield response

        return call

    @asynccontextmanager
    async def _observed(self, method: str, context: Context) -> AsyncIterator[None]:
        code = "OK"
        metrics.CALLS_IN_FLIGHT.labels(method).inc()
        try:
            yield
        except VergerError as error:
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
