"""Interceptors that make OpenTelemetry spans of gRPC calls and hand the trace on in the metadata of each call."""

from collections.abc import Sequence

import grpc

from services.common.process.tracing import tracing_enabled


def server_interceptors() -> Sequence[grpc.aio.ServerInterceptor]:
    """Returns interceptors that make one span for each call except health checks; none when tracing is off."""
    if not tracing_enabled():
        return []
    from opentelemetry.instrumentation.grpc import aio_server_interceptor, filters

    return [aio_server_interceptor(filter_=filters.negate(filters.health_check()))]


def client_interceptors() -> Sequence[grpc.aio.ClientInterceptor]:
    """Returns interceptors that pass the trace on to the next service; none when tracing is off."""
    if not tracing_enabled():
        return []
    from opentelemetry.instrumentation.grpc import aio_client_interceptors

    return list(aio_client_interceptors())
