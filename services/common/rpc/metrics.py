"""Prometheus metrics of gRPC calls and of the items within them."""

from prometheus_client import Counter, Gauge, Histogram

from services.common.process.metrics import DURATION_BUCKETS_SECONDS

CALLS = Counter("verger_grpc_calls_total", "Finished gRPC calls", ["method", "code"])
CALL_SECONDS = Histogram(
    "verger_grpc_call_seconds", "Duration of unary gRPC calls", ["method"], buckets=DURATION_BUCKETS_SECONDS
)
CALLS_IN_FLIGHT = Gauge("verger_grpc_calls_in_flight", "gRPC calls in progress", ["method"])
ITEM_ERRORS = Counter("verger_item_errors_total", "Items of streams that were answered with an error", ["reason"])
