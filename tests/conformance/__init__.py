"""Checks whether a server speaks the Open Inference Protocol, version 2: python -m tests.conformance --help.

The checks are written from the specification (https://github.com/kserve/open-inference-protocol) and from the binary
tensor extension. They know nothing of Verger: they ask a server for one of its models, over HTTP, gRPC or both.
"""
