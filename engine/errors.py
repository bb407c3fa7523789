"""The base class of all errors that Verger answers with, and the errors of photos and model versions.

This module knows neither gRPC nor HTTP. Each error has a canonical gRPC code and a stable reason:

VergerError
├── InvalidArgument           The caller must change the request.
│   ├── ImageEmpty, ImageTooLarge, ImageTooManyPixels, ImageTooComplex, ImageFormatUnsupported,
│   │   ImageHeicUnsupported, ImageVariantUnsupported, ImageTruncated, ImageCorrupt
│   ├── TensorInvalid         Its reason says which property of the tensor is wrong.
│   └── VersionUnknown        There is no such model version.
├── FailedPrecondition        The state of the system must change first.
│   └── ContractUnsupported, ModelCorrupt
├── LogitsNotFinite           A fault of the model; its code is INTERNAL.
└── Unavailable               A dependency is unreachable for the moment; a retry may succeed.

services/common/errors.py adds the errors of services, services/web/problems.py those of HTTP, and trainer/errors.py
those of training.

    try:
        pixels = decode(photo, spec, limits)
    except ImageTooManyPixels as error:
        print(error.reason, error)  # IMAGE_TOO_MANY_PIXELS The picture has ...
"""


class VergerError(Exception):
    """Base class of all errors that are answered to a caller. str(error) is a sentence that says what to do."""

    code = "INTERNAL"
    """Name of a canonical gRPC code."""

    reason = "INTERNAL"
    """Stable, machine-readable, in UPPER_SNAKE_CASE."""

    retry_after_seconds: float | None = None
    """Seconds after which the caller should try again; None when the error suggests no retry."""

    retry_elsewhere = False
    """Whether another replica of the same service may succeed, so that the caller's channel should try one."""

    def __init__(self, message: str, **metadata: str) -> None:
        """metadata: facts for programs beside the sentence for people; each subclass that has some documents them."""
        super().__init__(message)
        self.metadata = metadata


class InvalidArgument(VergerError):
    """The request itself is wrong. Sending it again can't help."""

    code = "INVALID_ARGUMENT"
    reason = "INVALID_ARGUMENT"


class ImageEmpty(InvalidArgument):
    """The photo has no bytes."""

    reason = "IMAGE_EMPTY"


class ImageTooLarge(InvalidArgument):
    """The encoded photo has more bytes than the limit."""

    reason = "IMAGE_TOO_LARGE"


class ImageTooManyPixels(InvalidArgument):
    """The photo has more pixels than the limit, according to its header. A decompression bomb is never decoded."""

    reason = "IMAGE_TOO_MANY_PIXELS"


class ImageTooComplex(InvalidArgument):
    """The structure of the file would make decoding take far too long, or decoding took longer than allowed."""

    reason = "IMAGE_TOO_COMPLEX"


class ImageFormatUnsupported(InvalidArgument):
    """The bytes are not a picture, or a picture in a format that is not accepted."""

    reason = "IMAGE_FORMAT_UNSUPPORTED"


class ImageHeicUnsupported(InvalidArgument):
    """The picture is in the format in which iPhones store photos."""

    reason = "IMAGE_HEIC_UNSUPPORTED"


class ImageVariantUnsupported(InvalidArgument):
    """The format is accepted, but not the way in which this picture is stored in it."""

    reason = "IMAGE_VARIANT_UNSUPPORTED"


class ImageTruncated(InvalidArgument):
    """The file ends before the picture does."""

    reason = "IMAGE_TRUNCATED"


class ImageCorrupt(InvalidArgument):
    """The format is accepted, but the content can't be decoded."""

    reason = "IMAGE_CORRUPT"


class TensorInvalid(InvalidArgument):
    """The live model can't take the tensor.

    reason: TENSOR_SHAPE_MISMATCH, TENSOR_DTYPE_UNSUPPORTED, TENSOR_SIZE_MISMATCH or TENSOR_NOT_FINITE.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class VersionUnknown(InvalidArgument):
    """The model version, alias or directory does not exist."""

    reason = "VERSION_UNKNOWN"


class FailedPrecondition(VergerError):
    """The system is not in the state that the call needs."""

    code = "FAILED_PRECONDITION"
    reason = "FAILED_PRECONDITION"


class ContractUnsupported(FailedPrecondition):
    """This code does not support something that the model's contract asks for."""

    reason = "CONTRACT_UNSUPPORTED"


class ModelCorrupt(FailedPrecondition):
    """The files of a model don't match their digests, or its golden samples give other logits than expected."""

    reason = "MODEL_CORRUPT"


class LogitsNotFinite(VergerError):
    """The graph computed a logit that is infinite or not a number, from which no probability follows."""

    reason = "LOGITS_NOT_FINITE"


class Unavailable(VergerError):
    """A dependency of the call is unreachable for the moment."""

    code = "UNAVAILABLE"
    reason = "UNAVAILABLE"
