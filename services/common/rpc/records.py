"""Bounds what a message becomes in memory, before it is parsed.

Two bytes on the wire can be an element of a list that takes a hundred bytes in memory, so a message that fits its limit
of bytes could take gigabytes. Photos and tensors are single fields of many bytes, so an honest message has few records.
"""

from collections.abc import Callable
from typing import TypeAlias

from google.protobuf.descriptor import Descriptor

from services.common.errors import RequestMalformed

MAX_RECORDS = 40_000
"""Most fields of a message, those of the messages in it included. A photo's answer with 10,000 classes has 30,000."""

MAX_NUMBER_BYTES = 4 * 2**20
"""Most bytes of packed lists of numbers in a message, each of which may take eight times as many in memory."""

MAX_DEPTH = 100
"""Most messages within each other; protobuf itself refuses more."""

MAX_VARINT_BYTES = 10

Check: TypeAlias = Callable[[bytes], None]


def check_of(kind: Descriptor) -> Check | None:
    """Returns what refuses bytes that would take far more memory as a message of this kind; None if none can.

    The check raises RequestMalformed.
    """
    if not _has_lists(kind, set()):
        return None
    return lambda raw: _Reading(raw).check(0, len(raw), kind, 0)


def _has_lists(kind: Descriptor, seen: set[str]) -> bool:
    """Whether the message or one within it has a list of texts, bytes or messages. Others grow eightfold at most."""
    seen.add(kind.full_name)
    return any(
        (field.is_repeated and not field.is_packed)
        or (field.message_type and field.message_type.full_name not in seen and _has_lists(field.message_type, seen))
        for field in kind.fields
    )


class _Reading:
    """Walks through the records of a message (https://protobuf.dev/programming-guides/encoding/)."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._records = self._number_bytes = 0

    def check(self, start: int, end: int, kind: Descriptor | None, depth: int) -> None:
        """Counts the records between two places, as those of a message of this kind."""
        if depth > MAX_DEPTH:
            raise RequestMalformed("The message has too many messages within each other.")
        fields = kind.fields_by_number if kind else {}
        while start < end:
            tag, start = self._varint(start)
            self._records += 1
            if self._records > MAX_RECORDS:
                raise RequestMalformed(f"The message has more than {MAX_RECORDS:,} fields. Send less at once.")
            length, start = self._payload(tag & 7, start)
            field = fields.get(tag >> 3) if tag & 7 == 2 else None
            if field and field.message_type:
                self.check(start, start + length, field.message_type, depth + 1)
            elif field and field.is_packed:
                self._number_bytes += length
                if self._number_bytes > MAX_NUMBER_BYTES:
                    raise RequestMalformed(f"The message has more than {MAX_NUMBER_BYTES:,} bytes of numbers in lists.")
            start += length
        if start != end:
            raise RequestMalformed("The bytes are not a message of this method: one of its fields has no end.")

    def _payload(self, wire_type: int, start: int) -> tuple[int, int]:
        """Returns the length of a field's content, and where it starts."""
        if wire_type == 0:
            return 0, self._varint(start)[1]
        if wire_type == 2:
            return self._varint(start)
        if wire_type in (3, 4):  # the marks of a group; what is in it follows as records
            return 0, start
        if wire_type in (1, 5):
            return (8 if wire_type == 1 else 4), start
        raise RequestMalformed("The bytes are not a message of this method: a field has an unknown form.")

    def _varint(self, start: int) -> tuple[int, int]:
        value = 0
        for number, byte in enumerate(self._raw[start : start + MAX_VARINT_BYTES]):
            value |= (byte & 0x7F) << 7 * number
            if byte < 0x80:
                return value, start + number + 1
        raise RequestMalformed("The bytes are not a message of this method: a number has no end.")
