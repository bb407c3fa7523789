"""Parses multipart/form-data chunk by chunk and enforces the limits. It does no input or output."""

from collections.abc import Callable
from dataclasses import dataclass, field

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from engine.errors import ImageTooLarge, VergerError
from services.web.problems import ContentEncodingUnsupported, FileMissing, MultipartInvalid, TooManyFiles
from services.web.uploads.encodings import ENCODING_HEADERS, check_encodings, extended_filename, text

FILE_FIELD = "file"

_MAX_FIELDS = 16
_MAX_FIELD_BYTES = 1024
_MAX_PREAMBLE_BYTES = 4096
_INVALID = "The body can't be read as multipart/form-data. Send the photo as the form field “file”."


@dataclass(frozen=True)
class Upload:
    """One photo as it was sent. If it exceeded a limit, `error` says so and `image` is empty."""

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
    error: VergerError | None = None


class FormReader:
    """Parses a body while it arrives. After `finish`, `files` and `fields` hold its parts.

    The bytes of a photo that is too large are discarded; the other photos are not affected.
    """

    def __init__(
        self, content_type: str, max_files: int, max_file_bytes: int, reserve: Callable[[int], None] = lambda _: None
    ) -> None:
        """reserve is called with a number of bytes before they are stored, and may raise.

        Raises:
            MultipartInvalid: the content type is not multipart/form-data with a boundary.
        """
        self.files: list[Upload] = []
        self.fields: dict[str, str] = {}
        media_type, options = parse_options_header(content_type)
        if media_type != b"multipart/form-data" or not options.get(b"boundary"):
            raise MultipartInvalid(_INVALID)
        self._max_files, self._max_file_bytes, self._reserve = max_files, max_file_bytes, reserve
        self._part, self._parts = _Part(), 0
        self._header_name = self._header_value = b""
        self._complete = False
        self._delimiter, self._preamble = b"--" + options[b"boundary"], b""
        self._is_in_preamble = True
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
        """Parses the next chunk of the body.

        Raises:
            MultipartInvalid: the body is not valid multipart/form-data, or has too many or too long fields.
            FileMissing: a file is in another field than `file`.
            TooManyFiles: there are more photos than max_files.
        """
        if self._is_in_preamble:
            chunk = self._after_preamble(chunk)
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise MultipartInvalid(_INVALID) from error

    def finish(self) -> None:
        """Checks that the body is complete.

        Raises:
            MultipartInvalid: the end of the body is missing.
        """
        if not self._complete:
            raise MultipartInvalid("The end of the form is missing. Send the whole body.")

    def _after_preamble(self, chunk: bytes) -> bytes:
        """Returns what has arrived from the first delimiter on. Text before it means nothing (RFC 2046, 5.1.1)."""
        received = self._preamble + chunk
        start = 0 if received.startswith(self._delimiter) else received.find(b"\r\n" + self._delimiter)
        if (len(received) if start < 0 else start) > _MAX_PREAMBLE_BYTES:
            raise MultipartInvalid(_INVALID)
        if start >= 0:
            self._is_in_preamble = False
            return received[start:]
        self._preamble = received
        return b""

    def _begin_part(self) -> None:
        self._part = _Part()
        self._parts += 1
        if self._parts > self._max_files + _MAX_FIELDS + 1:  # parts without a name or a file are counted here alone
            raise MultipartInvalid("The form has too many parts.")

    def _add_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _add_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        self._part.headers[self._header_name.lower()] = self._header_value
        self._header_name = self._header_value = b""

    def _end_headers(self) -> None:
        part, disposition = self._part, self._part.headers.get(b"content-disposition", b"")
        _, options = parse_options_header(disposition)
        part.name = text(options.get(b"name", b""))
        extended = extended_filename(disposition.decode("latin-1")) if b"*" in disposition else None
        part.filename = extended or text(options.get(b"filename", b"")) or None
        if part.filename and part.name != FILE_FIELD:
            raise FileMissing(f"Send the photo as the form field “{FILE_FIELD}”, not “{part.name}”.")
        try:
            check_encodings(text(part.headers.get(name, b"")) for name in ENCODING_HEADERS)
        except ContentEncodingUnsupported as error:
            part.error = error

    def _add_content(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        part.size += end - start
        if part.name == FILE_FIELD:
            if part.size > self._max_file_bytes:
                part.error = too_large(self._max_file_bytes)
            if part.error is not None:
                part.content.clear()
                return
            self._reserve(end - start)
        elif part.size > _MAX_FIELD_BYTES:
            raise MultipartInvalid(f"The form field “{part.name}” is too long.")
        part.content.append(data[start:end])

    def _end_part(self) -> None:
        part = self._part
        if part.name != FILE_FIELD:
            self.fields[part.name] = b"".join(part.content).decode(errors="replace")
            if len(self.fields) > _MAX_FIELDS:
                raise MultipartInvalid("The form has too many fields.")
        elif part.filename or part.size:  # browsers send an empty part if no file was chosen
            if len(self.files) == self._max_files:
                raise TooManyFiles(
                    f"The request has more than {self._max_files} photos, which is the limit. "
                    "Send the photos in several requests."
                )
            self.files.append(Upload(part.filename, b"".join(part.content), part.error))
        self._part = _Part()

    def _end(self) -> None:
        self._complete = True


def too_large(limit: int) -> ImageTooLarge:
    """Returns the error for a photo of more than `limit` bytes."""
    return ImageTooLarge(f"The file has more than {limit:,} bytes, which is the limit. Send a smaller copy.")
