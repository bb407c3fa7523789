"""Reads the true size of the pictures in an AVIF file from the AV1 data itself.

Sources: ISO/IEC 14496-12 (boxes), ISO/IEC 23008-12 (`iloc`), and the AV1 Bitstream & Decoding Process Specification,
sections 5.3.2 (OBU header) and 5.5 (sequence header).
"""

from collections.abc import Iterator

Size = tuple[int, int]
"""Width and height in pixels."""

Span = tuple[int, int]
"""Start and end of a part of a file, in bytes."""

MAX_EXTENTS = 1_000
"""Parts of coded items that are looked at. A picture of 64 megapixels in tiles of 512 x 512 has 245."""

_SEQUENCE_HEADER = 1


def av1_sizes(photo: bytes) -> list[Size]:
    """Returns the sizes that the sequence headers of all coded items declare, as far as they can be read."""
    try:
        sizes = [_size_in_item(photo[start:end]) for start, end in _item_extents(photo)]
    except (IndexError, ValueError):
        return []
    return [size for size in sizes if size]


def _item_extents(photo: bytes) -> list[Span]:
    """Where the items of the `meta` box lie, by its `iloc` box."""
    top = dict(_boxes(photo, 0, len(photo)))
    if b"meta" not in top:
        return []
    start, end = top[b"meta"]
    inner = dict(_boxes(photo, start + 4, end))  # 4 bytes of version and flags
    location = _Reader(photo[slice(*inner.get(b"iloc", (0, 0)))])
    version = location.bytes(1)
    location.bytes(3)
    offset_size, length_size, base_size, index_size = (location.bits(4) for _ in range(4))
    spans: list[Span] = []
    for _ in range(location.bytes(2 if version < 2 else 4)):
        location.bytes(2 if version < 2 else 4)  # the item's id
        in_data_box = version > 0 and location.bytes(2) & 15 == 1
        location.bytes(2)  # the data reference
        base = location.bytes(base_size) + (inner[b"idat"][0] if in_data_box and b"idat" in inner else 0)
        for _ in range(location.bytes(2)):
            location.bytes(index_size if version > 0 else 0)
            begin = base + location.bytes(offset_size)
            spans.append((begin, begin + location.bytes(length_size)))
            if len(spans) == MAX_EXTENTS:
                return spans
    return spans


def _boxes(data: bytes, place: int, end: int) -> Iterator[tuple[bytes, Span]]:
    """Names and contents of the boxes between two places."""
    while place + 8 <= end:
        size, name, head = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[place + 8 : place + 16], "big"), 16
        size = size or end - place
        if size < head:
            return
        yield name, (place + head, min(end, place + size))
        place += size


def _size_in_item(item: bytes) -> Size | None:
    """The size in the first sequence header of an item; None where it has none."""
    place = 0
    while place < len(item):
        header = item[place]
        kind, has_extension, has_size = header >> 3 & 15, header >> 2 & 1, header >> 1 & 1
        place += 1 + has_extension
        size, shift = 0, 0
        while has_size:  # an integer in groups of 7 bits, the lowest first
            size |= (item[place] & 127) << shift
            has_size, shift, place = item[place] >> 7, shift + 7, place + 1
        if kind == _SEQUENCE_HEADER:
            return _frame_size(_Reader(item[place:]))
        if not size and kind != 2:  # 2: a temporal delimiter, which is empty
            return None
        place += size
    return None


def _frame_size(bits: "_Reader") -> Size:
    """The largest frame that a sequence header allows."""
    bits.bits(4)  # profile, still picture
    if bits.bits(1):  # reduced header
        bits.bits(5)
    else:
        _skip_operating_points(bits)
    width_bits, height_bits = bits.bits(4) + 1, bits.bits(4) + 1
    return bits.bits(width_bits) + 1, bits.bits(height_bits) + 1


def _skip_operating_points(bits: "_Reader") -> None:
    delay_bits = 0
    if bits.bits(1):  # timing information
        bits.bits(64)
        if bits.bits(1):
            zeros = 0
            while not bits.bits(1):
                zeros += 1
            bits.bits(zeros)
        if bits.bits(1):  # decoder model
            delay_bits = bits.bits(5) + 1
            bits.bits(42)
    has_display_delay = bits.bits(1)
    for _ in range(bits.bits(5) + 1):
        bits.bits(12)
        if bits.bits(5) > 7:
            bits.bits(1)
        if delay_bits and bits.bits(1):
            bits.bits(2 * delay_bits + 1)
        if has_display_delay and bits.bits(1):
            bits.bits(4)


class _Reader:
    """Reads big-endian numbers of any number of bits, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data[:4096], "big"), 8 * len(data[:4096])

    def bits(self, count: int) -> int:
        """Raises ValueError at the end of the data."""
        self._left -= count
        if self._left < 0:
            raise ValueError("The data ends too early.")
        return self._value >> self._left & (1 << count) - 1

    def bytes(self, count: int) -> int:
        return self.bits(8 * count)
