"""The errors that only the Open Inference Protocol has. Its other errors are those of photos, tensors and services."""

from engine.errors import InvalidArgument, VergerError


class ModelUnknown(VergerError):
    """There is no model with this name here."""

    code = "NOT_FOUND"
    reason = "MODEL_UNKNOWN"


class VersionNotLive(VergerError):
    """The caller wants the answer of a version that is not the live one."""

    code = "NOT_FOUND"
    reason = "VERSION_NOT_LIVE"


class InferRequestInvalid(InvalidArgument):
    """A request of the Open Inference Protocol has other inputs, outputs or parameters than the model."""

    reason = "INFER_REQUEST_INVALID"


class BatchTooLarge(InvalidArgument):
    """A request has more photos or tensors than are accepted at once."""

    reason = "BATCH_TOO_LARGE"


class ModelControlUnsupported(VergerError):
    """The caller wants to choose which models are loaded."""

    code = "UNIMPLEMENTED"
    reason = "MODEL_CONTROL_UNSUPPORTED"

    @classmethod
    def explained(cls) -> "ModelControlUnsupported":
        """Returns the error with the sentence that says what to do instead."""
        return cls(
            "Clients can't load or unload models here: the live version is the one with the alias “champion” in the "
            "registry, for everybody. Move the alias: ./launch.sh --trainer promote VERSION"
        )
