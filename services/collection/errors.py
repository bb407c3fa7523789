"""The errors that the collection adds to those of all services."""

from engine.errors import FailedPrecondition, InvalidArgument, Unavailable, VergerError
from services.common.errors import Overloaded


class FieldInvalid(InvalidArgument):
    """A field of the request has a value that it may not have.

    metadata: `field` is its name.
    """

    reason = "FIELD_INVALID"


class PhotoUnknown(VergerError):
    """No photo with this id is kept. It may have been deleted."""

    code = "NOT_FOUND"
    reason = "PHOTO_UNKNOWN"


class AnswerUnknown(VergerError):
    """No photo that got this answer is kept."""

    code = "NOT_FOUND"
    reason = "ANSWER_UNKNOWN"


class DecisionUnknown(VergerError):
    """No label was decided with this request id."""

    code = "NOT_FOUND"
    reason = "DECISION_UNKNOWN"


class RequestIdReused(VergerError):
    """Another decision has this request id."""

    code = "ALREADY_EXISTS"
    reason = "REQUEST_ID_REUSED"


class DatasetUnknown(VergerError):
    """There is no such version of a data set."""

    code = "NOT_FOUND"
    reason = "DATASET_UNKNOWN"


class DatasetEmpty(FailedPrecondition):
    """No photo has a label that a version could have."""

    reason = "DATASET_EMPTY"


class LabelUnusable(FailedPrecondition):
    """A label is none that a model may have.

    metadata: `label` is the label.
    """

    reason = "LABEL_UNUSABLE"


class StorageFull(Overloaded):
    """No space is left for photos. What was sent is not kept, nor any part of it."""

    reason = "STORAGE_FULL"
    retry_after_seconds = 60.0


class StorageUnavailable(Unavailable):
    """The storage of photos does not answer. What was sent is not kept."""

    reason = "STORAGE_UNAVAILABLE"
    retry_after_seconds = 5.0
