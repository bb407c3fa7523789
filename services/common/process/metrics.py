"""Prometheus metrics of work on a pool of threads; each service serves its own on its metrics port."""

from prometheus_client import Histogram

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Bucket limits in seconds, from a tiny forward pass to the default deadline, about a factor of 2 apart."""

STAGE_SECONDS = Histogram(
    "verger_stage_seconds", "Time of one photo in one stage, without waiting", ["stage"], buckets=SECONDS
)
QUEUE_SECONDS = Histogram("verger_queue_seconds", "Wait of one photo for a free core", ["stage"], buckets=SECONDS)
