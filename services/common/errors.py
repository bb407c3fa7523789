"""The errors that services add to those of the engine (engine/errors.py).

services/common/rpc/statuses.py turns errors into gRPC statuses; services/web/problems.py turns them into HTTP problems.
"""

from engine.errors import FailedPrecondition, InvalidArgument, Unavailable, VergerError

DOMAIN = "verger"
"""The domain of every google.rpc.ErrorInfo."""


class RequestIdTooLong(InvalidArgument):
    """A request id of more than 128 characters."""

    reason = "REQUEST_ID_TOO_LONG"


class PreprocessingMismatch(FailedPrecondition):
    """A tensor made for another version's preprocessing."""

    reason = "PREPROCESSING_MISMATCH"


class Overloaded(VergerError):
    """All places are taken."""

    code = "RESOURCE_EXHAUSTED"
    reason = "OVERLOADED"
    retry_after_seconds = 1.0


class ModelNotLoaded(Unavailable):
    """No model version is live yet."""

    reason = "MODEL_NOT_LOADED"
    retry_elsewhere = True


class InferenceUnavailable(Unavailable):
    """No inference replica answers."""

    reason = "INFERENCE_UNAVAILABLE"


class DeadlineExceeded(VergerError):
    """The caller's time, or the server's own limit, is over."""

    code = "DEADLINE_EXCEEDED"
    reason = "DEADLINE_EXCEEDED"


class RemoteError(VergerError):
    """An error as another service described it, passed on unchanged."""

    def __init__(self, code: str, reason: str, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds
