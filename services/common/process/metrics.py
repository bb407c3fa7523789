"""The buckets that Prometheus histograms of durations share."""

DURATION_BUCKETS_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper limits from a tiny forward pass to the default deadline. Each is about twice the one before."""
