"""Reads the reasons that Verger's gRPC errors carry."""

import grpc
from google.rpc import error_details_pb2, status_pb2


def code_and_reason(error: grpc.RpcError) -> tuple[grpc.StatusCode, str]:
    """Returns the gRPC code and Verger's reason of a failed call."""
    return error.code(), reason_of(_status_of(error))


def metadata_of(error: grpc.RpcError) -> dict[str, str]:
    """Returns the facts for programs that a failed call carries."""
    return dict(_info_of(_status_of(error)).metadata)


def reason_of(status: status_pb2.Status) -> str:
    """Returns the reason of an error, and checks its domain."""
    return _info_of(status).reason


def _status_of(error: grpc.RpcError) -> status_pb2.Status:
    return status_pb2.Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])


def _info_of(status: status_pb2.Status) -> error_details_pb2.ErrorInfo:
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert info.domain == "verger"
    return info
