"""Prometheus metrics of gRPC calls and of the items within them."""

from prometheus_client import Counter, Gauge, Histogram

from services.common.process.metrics import SECONDS

CALLS = Counter("verger_grpc_calls_total", "Finished gRPC calls", ["method", "code"])
CALL_SECONDS = Histogram(
    "verger_grpc_call_seconds", "Duration of gRPC calls of one request", ["method"], buckets=SECONDS
)
CALLS_IN_FLIGHT = Gauge("verger_grpc_calls_in_flight", "gRPC calls being answered", ["method"])
ITEM_ERRORS = Counter("verger_item_errors_total", "Items that were answered with an error", ["reason"])
