"""What is wrong with something to import, or with a place to export to."""

from engine.errors import FailedPrecondition, InvalidArgument


class ImportInvalid(InvalidArgument):
    """Nothing was sent, because what is to be imported can't be.

    reason: IMPORT_NOT_FOUND, IMPORT_EMPTY, IMPORT_ARCHIVE_INVALID, IMPORT_ARCHIVE_BOMB, IMPORT_PATH_INVALID,
    IMPORT_FILE_MISSING, IMPORT_LABEL_INVALID, IMPORT_INDEX_INVALID.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class ExportFolderTaken(InvalidArgument):
    """The folder to export to holds something else."""

    reason = "EXPORT_FOLDER_TAKEN"


class ExportFailed(FailedPrecondition):
    """A file can't be written. The same command goes on where it stopped."""

    reason = "EXPORT_FAILED"
