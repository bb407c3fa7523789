"""Sends OpenTelemetry traces to a collector when the standard variable OTEL_EXPORTER_OTLP_ENDPOINT is set."""

import os

MAX_FLUSH_MS = 2_000
"""Time for sending the last spans when a process ends."""


def tracing_enabled() -> bool:
    """Returns whether a collector is configured."""
    return bool(os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"))


def configure_tracing(service: str) -> None:
    """Sends the spans of this process to the collector, with the service name verger-<service>."""
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


def flush_traces() -> None:
    """Sends spans that still wait to be sent, for at most MAX_FLUSH_MS. Does nothing when tracing is off."""
    if not tracing_enabled():
        return
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.force_flush(MAX_FLUSH_MS)
