"""Reads multipart/form-data piece by piece, within limits. Pure: knows no connection."""

from collections.abc import Callable
from dataclasses import dataclass, field

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from engine.errors import ImageTooLarge, VergerError
from services.web.problems import FileMissing, MultipartInvalid, TooManyFiles

FILE_FIELD = "file"

_MAX_FIELDS = 16
_MAX_FIELD_BYTES = 1024
_INVALID = "The body can't be read as multipart/form-data. Send the photo as the form field “file”."


@dataclass(frozen=True)
class Upload:
    """One photo as it was sent: its bytes, or the reason why they were not even kept."""

    filename: str | None
    image: bytes
    error: VergerError | None = None


@dataclass
class _Part:
    headers: dict[bytes, bytes] = field(default_factory=dict)
    name: str = ""
    filename: str | None = None
    content: list[bytes] = field(default_factory=list)
    size: int = 0


class FormReader:
    """Takes a body as it arrives; `files` and `fields` hold its parts once `finish` was called.

    A photo that is too large is dropped while it arrives; the others stay good.
    """

    def __init__(
        self, content_type: str, max_files: int, max_file_bytes: int, keep: Callable[[int], None] = lambda _: None
    ) -> None:
        """keep is told the number of bytes before any are held in memory, and may raise.

        Raises:
            MultipartInvalid: the content type is not multipart/form-data with a boundary.
        """
        self.files: list[Upload] = []
        self.fields: dict[str, str] = {}
        media_type, options = parse_options_header(content_type)
        if media_type != b"multipart/form-data" or not options.get(b"boundary"):
            raise MultipartInvalid(_INVALID)
        self._max_files, self._max_file_bytes, self._keep = max_files, max_file_bytes, keep
        self._part = _Part()
        self._header_name = self._header_value = b""
        self._complete = False
        try:
            self._parser = MultipartParser(
                options[b"boundary"],
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": self._add_header_name,
                    "on_header_value": self._add_header_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_headers,
                    "on_part_data": self._add_content,
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise MultipartInvalid(_INVALID) from error

    def write(self, chunk: bytes) -> None:
        """Takes the next piece of the body.

        Raises:
            MultipartInvalid: it is not what the content type promised.
            FileMissing: a file has another field's name.
            TooManyFiles: there are more photos than max_files.
        """
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise MultipartInvalid(_INVALID) from error

    def finish(self) -> None:
        """Says that the body is over.

        Raises:
            MultipartInvalid: its end is missing.
        """
        if not self._complete:
            raise MultipartInvalid("The form's end is missing. Send the whole body.")

    def _begin_part(self) -> None:
        self._part = _Part()

    def _add_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _add_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        self._part.headers[self._header_name.lower()] = self._header_value
        self._header_name = self._header_value = b""

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._part.headers.get(b"content-disposition"))
        filename = options.get(b"filename")
        self._part.name = options.get(b"name", b"").decode(errors="replace")
        self._part.filename = filename.decode(errors="replace") if filename else None
        if filename and self._part.name != FILE_FIELD:
            raise FileMissing(f"Send the photo as the form field “{FILE_FIELD}”, not “{self._part.name}”.")

    def _add_content(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        part.size += end - start
        if part.name == FILE_FIELD:
            if part.size > self._max_file_bytes:
                part.content.clear()
                return
            self._keep(end - start)
        elif part.size > _MAX_FIELD_BYTES:
            raise MultipartInvalid(f"The form field “{part.name}” is too long.")
        part.content.append(data[start:end])

    def _end_part(self) -> None:
        part = self._part
        if part.name != FILE_FIELD:
            self.fields[part.name] = b"".join(part.content).decode(errors="replace")
            if len(self.fields) > _MAX_FIELDS:
                raise MultipartInvalid("The form has too many fields.")
        elif part.filename or part.size:  # else: a browser's form in which no file was chosen
            if len(self.files) == self._max_files:
                raise TooManyFiles(
                    f"At most {self._max_files} photos are accepted at once. Send them in several requests."
                )
            error = too_large(self._max_file_bytes) if part.size > self._max_file_bytes else None
            self.files.append(Upload(part.filename, b"".join(part.content), error))
        self._part = _Part()

    def _end(self) -> None:
        self._complete = True


def too_large(limit: int) -> ImageTooLarge:
    """Says that a photo has more than `limit` bytes."""
    return ImageTooLarge(f"The file has more than {limit:,} bytes, the most that is accepted. Send a smaller copy.")
