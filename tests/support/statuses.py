"""Reads the reasons that Verger's gRPC errors carry."""

import grpc
from google.rpc import error_details_pb2, status_pb2


def code_and_reason(error: grpc.RpcError) -> tuple[grpc.StatusCode, str]:
    """Returns the gRPC code and Verger's reason of a failed call."""
    details = dict(error.trailing_metadata())["grpc-status-details-bin"]
    return error.code(), reason_of(status_pb2.Status.FromString(details))


def reason_of(status: status_pb2.Status) -> str:
    """Returns the reason of an error, and checks its domain."""
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert info.domain == "verger"
    return info.reason
