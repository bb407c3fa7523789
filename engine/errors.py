"""The root of all errors that Verger answers with, and those of a photo or a model version.

This module knows neither gRPC nor HTTP. Each error has a canonical gRPC code and a stable reason:

VergerError
├── InvalidArgument           The caller must change the request.
│   ├── ImageEmpty, ImageTooLarge, ImageTooManyPixels, ImageFormatUnsupported, ImageTruncated, ImageCorrupt
│   ├── TensorInvalid         Its reason says which part of the tensor is wrong.
│   └── VersionUnknown        There is no such model version.
├── FailedPrecondition        The system must change first.
│   └── ContractUnsupported, ModelCorrupt
└── Unavailable               Something that the call needs is away; a retry may work.

services/common/errors.py adds the errors of services, services/web/problems.py those of HTTP, trainer/errors.py those
of training.

    try:
        pixels = decode(photo, spec, limits)
    except ImageTooManyPixels as error:
        print(error.reason, error)  # IMAGE_TOO_MANY_PIXELS The picture has ...
"""


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


class Unavailable(VergerError):
    """Something that the call needs is away for the moment."""

    code = "UNAVAILABLE"
    reason = "UNAVAILABLE"


class VersionUnknown(InvalidArgument):
    """A model version, alias or directory that does not exist."""

    reason = "VERSION_UNKNOWN"
