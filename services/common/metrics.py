"""Prometheus metrics of all services; each gRPC service serves its own on its metrics port."""

from prometheus_client import Counter, Gauge, Histogram

# From half a millisecond (a tiny forward pass) to the default deadline, a factor of about 2 apart.
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

CALLS = Counter("verger_grpc_calls_total", "Finished gRPC calls", ["method", "code"])
CALL_SECONDS = Histogram(
    "verger_grpc_call_seconds", "Duration of gRPC calls of one request", ["method"], buckets=SECONDS
)
CALLS_IN_FLIGHT = Gauge("verger_grpc_calls_in_flight", "gRPC calls being answered", ["method"])
ITEM_ERRORS = Counter("verger_item_errors_total", "Items that were answered with an error", ["reason"])
VERDICTS = Counter("verger_verdicts_total", "Answers by verdict and best class", ["verdict", "label", "version"])
STAGE_SECONDS = Histogram(
    "verger_stage_seconds", "Time of one photo in one stage, without waiting", ["stage"], buckets=SECONDS
)
QUEUE_SECONDS = Histogram("verger_queue_seconds", "Wait of one photo for a free core", ["stage"], buckets=SECONDS)
MODEL_LIVE = Gauge("verger_model_live", "1 for the model version that answers", ["name", "version", "digest"])
MODEL_SWAPS = Counter("verger_model_swaps_total", "Times that a version went live, the first one included")
MODEL_REFUSALS = Counter("verger_model_refusals_total", "Versions that were not made live", ["reason"])
