"""The errors that services add to those of the engine (engine/errors.py).

services/common/rpc/statuses.py turns errors into gRPC statuses, services/web/problems.py into HTTP problem documents.
"""

from collections.abc import Mapping
from types import MappingProxyType

from engine.errors import FailedPrecondition, InvalidArgument, Unavailable, VergerError

DOMAIN = "verger"
"""Domain of every google.rpc.ErrorInfo that Verger sends."""

REASON_METADATA_KEY = "verger-reason"
"""Trailing metadata of NOT_SERVING from the gRPC health service: the reason of the errors that calls get."""


class RequestIdTooLong(InvalidArgument):
    """The request id has more than 128 characters."""

    reason = "REQUEST_ID_TOO_LONG"


class RequestMalformed(InvalidArgument):
    """The bytes are not a message of the called method, or there is no message at all."""

    reason = "REQUEST_MALFORMED"


class PreprocessingMismatch(FailedPrecondition):
    """The tensor was preprocessed for another model version."""

    reason = "PREPROCESSING_MISMATCH"


class Overloaded(VergerError):
    """The service already answers as many requests as it may."""

    code = "RESOURCE_EXHAUSTED"
    reason = "OVERLOADED"
    retry_after_seconds = 1.0


class OutOfMemory(Overloaded):
    """There was no memory for this request. It says nothing about the request itself."""

    def __init__(self) -> None:
        super().__init__("No memory is free for this photo at the moment. Wait a second, or send a smaller copy.")


class DecodingStuck(Unavailable):
    """All threads of this replica have been busy with the same photos for seconds. Another replica may be well."""

    reason = "DECODING_STUCK"
    retry_elsewhere = True


class ModelNotLoaded(Unavailable):
    """This replica has no live model version yet. Another replica may have one.

    metadata: `since` is the time from which on it has had none (RFC 3339).
    """

    reason = "MODEL_NOT_LOADED"
    retry_elsewhere = True


class NoVersionYet(ModelNotLoaded):
    """The registry answers and has no champion: somebody must train the first version.

    metadata: `since` as above; `model` is the name of the registered model, and `train` a command that trains it.
    """

    reason = "NO_VERSION_YET"
    retry_after_seconds = 30.0


class InferenceUnavailable(Unavailable):
    """No replica of the inference service answers."""

    reason = "INFERENCE_UNAVAILABLE"


class DeadlineExceeded(VergerError):
    """The caller's deadline, or the server's own time limit, has passed."""

    code = "DEADLINE_EXCEEDED"
    reason = "DEADLINE_EXCEEDED"


class Unauthenticated(VergerError):
    """The call does not say by a valid key who makes it."""

    code = "UNAUTHENTICATED"
    reason = "UNAUTHENTICATED"


class KeyMissing(Unauthenticated):
    """The call has no key."""

    reason = "KEY_MISSING"


class KeyUnknown(Unauthenticated):
    """There is no such key. A wrong secret with the id of an existing key is answered alike."""

    reason = "KEY_UNKNOWN"


class KeyExpired(Unauthenticated):
    """The key was valid until some time in the past."""

    reason = "KEY_EXPIRED"


class KeyRevoked(Unauthenticated):
    """Somebody has ended the validity of the key."""

    reason = "KEY_REVOKED"


class SessionEnded(Unauthenticated):
    """A visitor of the page has signed in, but the session has ended since; or there never was one."""

    reason = "SESSION_ENDED"


class LinkSpent(Unauthenticated):
    """A link to sign in with was used already, is too old, or never existed."""

    reason = "LINK_SPENT"


class ScopeMissing(VergerError):
    """The key is valid, but not for this call.

    metadata: `scope` is the scope that the call needs.
    """

    code = "PERMISSION_DENIED"
    reason = "SCOPE_MISSING"


class AccessUnavailable(Unavailable):
    """The database of keys does not answer, and this service does not know the key from before."""

    reason = "ACCESS_UNAVAILABLE"
    retry_elsewhere = True


class QuotaExceeded(VergerError):
    """The caller has sent as much as its key or its address may for now.

    metadata: `quota` is the limit that it has reached: photos, bytes or calls.
    """

    code = "RESOURCE_EXHAUSTED"
    reason = "QUOTA_EXCEEDED"

    fields: Mapping[str, str] = MappingProxyType({})
    """The RateLimit header fields of the answer."""


class QuotaTooSmall(InvalidArgument):
    """One request has more than its caller may send within a minute."""

    reason = "QUOTA_TOO_SMALL"


class CollectionUnavailable(Unavailable):
    """The collection, or its database, does not answer."""

    reason = "COLLECTION_UNAVAILABLE"
    retry_after_seconds = 5.0


class RemoteError(VergerError):
    """An error that another service answered, passed on unchanged."""

    def __init__(
        self,
        code: str,
        reason: str,
        message: str,
        retry_after_seconds: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.metadata = dict(metadata or {})
        self.code = code
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds
