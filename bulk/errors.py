"""Errors of bulk classification; engine.errors describes the hierarchy. bulk.cli.app maps them to exit codes."""

from engine.errors import FailedPrecondition, InvalidArgument


class FileNotFound(InvalidArgument):
    """There is no such photo."""

    reason = "FILE_NOT_FOUND"


class FileUnreadable(InvalidArgument):
    """The photo can't be read: no permission, a folder, a broken disk, a server that doesn't answer."""

    reason = "FILE_UNREADABLE"


class SettingInvalid(InvalidArgument):
    """A setting from the environment or .env is invalid."""

    reason = "SETTING_INVALID"


class SourceInvalid(InvalidArgument):
    """SOURCE names no photos.

    reason: SOURCE_NOT_FOUND, SOURCE_EMPTY, SOURCE_UNREADABLE, COLUMN_MISSING.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class OutputInvalid(InvalidArgument):
    """The folder for results holds something else.

    reason: OUTPUT_OF_ANOTHER_RUN, OUTPUT_NOT_EMPTY, OUTPUT_IN_USE, OUTPUT_NOT_WRITABLE, OUTPUT_DAMAGED.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class WorkersDie(FailedPrecondition):
    """Processes end again and again, and no single photo is the cause."""

    reason = "WORKERS_DIE"
