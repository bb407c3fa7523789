"""Converts errors to gRPC statuses and back: google.rpc.Status with ErrorInfo and RetryInfo in its details."""

from typing import Any

import grpc
from google.rpc import code_pb2, error_details_pb2, status_pb2

from engine.errors import VergerError
from services.common.errors import DOMAIN, QuotaExceeded, RemoteError

DETAILS_METADATA_KEY = "grpc-status-details-bin"

DO_NOT_RETRY = ("grpc-retry-pushback-ms", "-1")
"""Trailing metadata that tells the caller's channel not to retry (gRFC A6).

Without it, each service on the path of a photo would retry an error that the service behind it has already retried.
The number of attempts would multiply just when the last service is in trouble.
"""


def to_status(error: VergerError) -> status_pb2.Status:
    """Returns the status that describes an error to other services and to clients in any language."""
    status = status_pb2.Status(code=code_pb2.Code.Value(error.code), message=str(error))
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata))
    if error.retry_after_seconds is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromNanoseconds(int(error.retry_after_seconds * 1e9))
        status.details.add().Pack(retry)
    return status


def from_status(status: status_pb2.Status) -> RemoteError:
    """Returns the error that a status describes. Without ErrorInfo, its reason is the name of its code."""
    code = code_pb2.Code.Name(status.code)
    info, retry = error_details_pb2.ErrorInfo(reason=code), error_details_pb2.RetryInfo()
    delay = None
    for detail in status.details:
        detail.Unpack(info)
        if detail.Unpack(retry):
            delay = retry.retry_delay.ToNanoseconds() / 1e9
    return RemoteError(code, info.reason, status.message, delay, info.metadata)


def from_rpc_error(error: grpc.aio.AioRpcError) -> RemoteError:
    """Returns the error that a failed call describes, with or without a google.rpc.Status."""
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_METADATA_KEY and isinstance(value, bytes):
            return from_status(status_pb2.Status.FromString(value))
    code = error.code().name
    return RemoteError(code, code, error.details() or "The call failed without an explanation.")


async def abort(context: grpc.aio.ServicerContext[Any, Any], error: VergerError) -> None:
    """Ends a call with an error. Never returns, because gRPC raises an exception."""
    metadata: list[tuple[str, str | bytes]] = [(DETAILS_METADATA_KEY, to_status(error).SerializeToString())]
    if isinstance(error, QuotaExceeded):
        metadata += [(name.lower(), value) for name, value in error.fields.items()]
    if not error.retry_elsewhere:
        metadata.append(DO_NOT_RETRY)
    await context.abort(grpc.StatusCode[error.code], str(error), trailing_metadata=tuple(metadata))
