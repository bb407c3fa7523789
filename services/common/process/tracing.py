"""Traces over all services with OpenTelemetry, on when its standard variable OTEL_EXPORTER_OTLP_ENDPOINT is set."""

import os
from collections.abc import Sequence

import grpc


def tracing_enabled() -> bool:
    """Whether spans have somewhere to go."""
    return bool(os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"))


def configure_tracing(service: str) -> None:
    """Sends this process's spans to the collector, under the service's name."""
    if not tracing_enabled():
        return
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": f"verger-{service}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def server_interceptors() -> Sequence[grpc.aio.ServerInterceptor]:
    """One span per call, apart from health checks."""
    if not tracing_enabled():
        return []
    from opentelemetry.instrumentation.grpc import aio_server_interceptor, filters

    return [aio_server_interceptor(filter_=filters.negate(filters.health_check()))]


def client_interceptors() -> Sequence[grpc.aio.ClientInterceptor]:
    """Carries the trace on to the next service."""
    if not tracing_enabled():
        return []
    from opentelemetry.instrumentation.grpc import aio_client_interceptors

    return list(aio_client_interceptors())
