"""Sends mutated pictures, REST requests and gRPC messages to a running system: python -m tests.nightly.fuzz."""
