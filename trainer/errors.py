"""What can go wrong while training, as a reason and a sentence that says what to do. Part of services.common.errors.

InvalidArgument ends the program with exit code 2, everything else with 1.
"""

from engine.errors import FailedPrecondition, InvalidArgument, Unavailable


class DatasetInvalid(InvalidArgument):
    """A folder of photos that no model can be made of.

    reason: DATA_NOT_FOUND, DATA_NO_CLASSES, DATA_ONE_CLASS, DATA_CLASS_EMPTY, DATA_CLASSES_DIFFER, DATA_PART_MISSING,
    DATA_NAMES_INVALID, DATA_EXISTS.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class SettingInvalid(InvalidArgument):
    """A setting from the environment that can't be used."""

    reason = "SETTING_INVALID"


class WeightsInvalid(InvalidArgument):
    """Backbone weights that are not there, or not those of a MobileNetV2."""

    reason = "WEIGHTS_INVALID"


class VersionQuantised(InvalidArgument):
    """A version to be quantised that is quantised already."""

    reason = "VERSION_QUANTISED"


class ExportDiffers(FailedPrecondition):
    """The ONNX export computes other logits than the Keras model that it was made from."""

    reason = "EXPORT_DIFFERS"


class DownloadFailed(Unavailable):
    """A data set or weights could not be downloaded."""

    reason = "DOWNLOAD_FAILED"
