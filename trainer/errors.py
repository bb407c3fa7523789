"""Errors of the trainer; engine.errors describes the hierarchy. trainer.cli.app maps them to exit codes."""

from engine.errors import FailedPrecondition, InvalidArgument, Unavailable


class DatasetInvalid(InvalidArgument):
    """A data folder that can't be used.

    reason: DATA_NOT_FOUND, DATA_NO_CLASSES, DATA_ONE_CLASS, DATA_CLASS_EMPTY, DATA_CLASSES_DIFFER, DATA_PART_MISSING,
    DATA_PARTS_UNCLEAR, DATA_NAME_INVALID, DATA_NAMES_INVALID, DATA_EXISTS.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class SettingInvalid(InvalidArgument):
    """A setting from the environment or .env is invalid."""

    reason = "SETTING_INVALID"


class WeightsInvalid(InvalidArgument):
    """Backbone weights do not exist or are not those of a MobileNetV2."""

    reason = "WEIGHTS_INVALID"


class ExportDiffers(FailedPrecondition):
    """The ONNX export computes other logits than the Keras model."""

    reason = "EXPORT_DIFFERS"


class DownloadFailed(Unavailable):
    """A data set or weights could not be downloaded."""

    reason = "DOWNLOAD_FAILED"
