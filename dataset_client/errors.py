"""The errors of calls to the collection, and of what it answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2

from engine.errors import FailedPrecondition, InvalidArgument, Unavailable, VergerError

_DETAILS = "grpc-status-details-bin"
_CONCERN_THE_CALL = ("INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "UNAUTHENTICATED", "PERMISSION_DENIED")


class ReferenceInvalid(InvalidArgument):
    """A text names no dataset version."""

    reason = "DATASET_REFERENCE_INVALID"


class DatasetCorrupt(FailedPrecondition):
    """The photos of a version are not those that its digest names."""

    reason = "DATASET_CORRUPT"


class CollectionRefused(InvalidArgument):
    """The collection refuses a call as it is. `code` and `reason` are those of the collection."""

    def __init__(self, code: str, reason: str, message: str) -> None:
        super().__init__(message)
        self.code, self.reason = code, reason


class CollectionAway(Unavailable):
    """The collection does not answer, or can't at the moment."""

    def __init__(self, code: str, reason: str, message: str) -> None:
        super().__init__(message)
        self.code, self.reason = code, reason


@contextmanager
def explained(target: str) -> Iterator[None]:
    """Turns the errors of gRPC into those of this module; target: address of the collection."""
    try:
        yield
    except grpc.RpcError as error:
        raise _error_of(error, target) from error


def _error_of(error: grpc.RpcError, target: str) -> VergerError:
    code: str = error.code().name
    metadata: Any = error.trailing_metadata() or ()
    for name, value in metadata:
        if name == _DETAILS:
            status, info = status_pb2.Status.FromString(value), error_details_pb2.ErrorInfo(reason=code)
            for detail in status.details:
                detail.Unpack(info)
            kind = CollectionRefused if code in _CONCERN_THE_CALL else CollectionAway
            return kind(code, info.reason, status.message)
    text = f"The collection at {target} does not answer ({code}). Start Verger, or set VERGER_COLLECTION_TARGET."
    return CollectionAway(code, "COLLECTION_UNAVAILABLE", text)
