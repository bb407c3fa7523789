"""What HTTP and MIME say about the bytes of a photo: how they are encoded, and what the file is called."""

from collections.abc import Iterable
from email.message import Message
from email.utils import collapse_rfc2231_value

from services.web.problems import ContentEncodingUnsupported

ENCODING_HEADERS = (b"content-encoding", b"content-transfer-encoding", b"transfer-encoding")

_AS_THEY_ARE = {"", "identity", "binary", "8bit", "7bit", "chunked"}
"""Encodings that leave the bytes as they are. The server has put chunks together already."""


def check_encodings(values: Iterable[str]) -> None:
    """Checks that the bytes are the photo's own, by the values of the headers that say so.

    Nothing is unpacked, because photos are compressed already: it would save no bytes, and would need limits against
    bombs.

    Raises:
        ContentEncodingUnsupported: the bytes are compressed, or written as text.
    """
    for encoding in (item.strip() for value in values for item in value.lower().split(",")):
        if encoding not in _AS_THEY_ARE:
            raise ContentEncodingUnsupported(f"The photo is sent as “{encoding[:40]}”. Send its bytes as they are.")


def extended_filename(disposition: str) -> str | None:
    """Returns the parameter filename* of a Content-Disposition header (RFC 8187 and 2231), or None without a sound one.

    RFC 7578 forbids it in forms, but .NET sends it, beside a filename that is written as for e-mail.
    """
    message = Message()
    message["Content-Disposition"] = disposition
    for name, value in message.get_params(header="Content-Disposition") or []:
        if name.lower() == "filename" and isinstance(value, tuple):
            try:
                return collapse_rfc2231_value(value, errors="replace")
            except ValueError:  # of codecs that take no "replace"
                return None
    return None


def text(value: bytes) -> str:
    """Decodes a name: UTF-8, as browsers send it, or else ISO 8859-1, in which every sequence of bytes is valid."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
