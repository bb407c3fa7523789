"""Everything that can go wrong and be answered, in one tree. Pure: knows neither gRPC nor HTTP.

VergerError
├── InvalidArgument           the caller must change the request
│   ├── ImageEmpty, ImageTooLarge, ImageTooManyPixels, ImageFormatUnsupported, ImageTruncated, ImageCorrupt
│   ├── TensorInvalid         (reason says which part)
│   └── RequestIdTooLong
├── FailedPrecondition        the system must change first
│   ├── ContractUnsupported, ModelCorrupt
│   └── PreprocessingMismatch
├── Overloaded                full; come back after retry_after_seconds
├── Unavailable               something behind is away; a retry may work
│   └── ModelNotLoaded, InferenceUnavailable
├── DeadlineExceeded          the time that the caller allowed is over
└── RemoteError               an error as another service described it

services/common/statuses.py turns them into gRPC statuses, services/web/problems.py into HTTP problems; errors that
only HTTP or only training knows are added there and in trainer/errors.py.

    try:
        pixels = decode(photo, spec, limits)
    except ImageTooLarge as error:
        print(error.reason, error)  # IMAGE_TOO_LARGE The picture has ...
"""

DOMAIN = "verger"


class VergerError(Exception):
    """Base of all errors that are answered to a caller.

    code: a canonical gRPC code by name; reason: UPPER_SNAKE_CASE, stable; str(error): a sentence that says what to do.
    """

    code = "INTERNAL"
    reason = "INTERNAL"
    retry_after_seconds: float | None = None
    retry_elsewhere = False  # whether another replica of the service that answers may do better


class InvalidArgument(VergerError):
    """The request itself is wrong; sending it again can't help."""

    code = "INVALID_ARGUMENT"
    reason = "INVALID_ARGUMENT"


class ImageEmpty(InvalidArgument):
    """No bytes were sent."""

    reason = "IMAGE_EMPTY"


class ImageTooLarge(InvalidArgument):
    """More bytes than the limit."""

    reason = "IMAGE_TOO_LARGE"


class ImageTooManyPixels(InvalidArgument):
    """Few bytes may hold many pixels (a decompression bomb): told from the header, before decoding."""

    reason = "IMAGE_TOO_MANY_PIXELS"


class ImageFormatUnsupported(InvalidArgument):
    """Not a picture, or of a format that is not accepted."""

    reason = "IMAGE_FORMAT_UNSUPPORTED"


class ImageTruncated(InvalidArgument):
    """The file ends before the picture does."""

    reason = "IMAGE_TRUNCATED"


class ImageCorrupt(InvalidArgument):
    """The format is known, its content can't be decoded."""

    reason = "IMAGE_CORRUPT"


class RequestIdTooLong(InvalidArgument):
    """A request id of more than 128 characters."""

    reason = "REQUEST_ID_TOO_LONG"


class TensorInvalid(InvalidArgument):
    """A tensor that the live model can't take.

    reason: TENSOR_SHAPE_MISMATCH, TENSOR_DTYPE_UNSUPPORTED, TENSOR_SIZE_MISMATCH or TENSOR_NOT_FINITE.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class FailedPrecondition(VergerError):
    """The system is not in the state that the call needs."""

    code = "FAILED_PRECONDITION"
    reason = "FAILED_PRECONDITION"


class ContractUnsupported(FailedPrecondition):
    """A model contract that this code can't honour."""

    reason = "CONTRACT_UNSUPPORTED"


class ModelCorrupt(FailedPrecondition):
    """A model's files don't match their digests, or its golden samples give other logits."""

    reason = "MODEL_CORRUPT"


class PreprocessingMismatch(FailedPrecondition):
    """A tensor made for another version's preprocessing."""

    reason = "PREPROCESSING_MISMATCH"


class Overloaded(VergerError):
    """All places are taken."""

    code = "RESOURCE_EXHAUSTED"
    reason = "OVERLOADED"
    retry_after_seconds = 1.0


class Unavailable(VergerError):
    """Something that the call needs is away for the moment."""

    code = "UNAVAILABLE"
    reason = "UNAVAILABLE"


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
