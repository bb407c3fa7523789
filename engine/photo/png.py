"""Takes out of a PNG what does not belong to its pixels, and what is faulty but not critical.

Pillow refuses a file for text or a colour profile of more than 1 MiB and for any faulty chunk, whereas libpng ignores a
faulty chunk that is ancillary. Sources: Portable Network Graphics (W3C, third edition), and libpng 1.6.
"""

import zlib
from collections.abc import Iterator

from engine.errors import ImageTooComplex, ImageVariantUnsupported

MAX_PNG_CHUNKS = 20_000
"""Encoders write image data in chunks of 8 KB, so that the largest file accepted by default has about 2,500."""

MAX_TEXT_BYTES = 2**20
"""Decompressed text that is kept where it may tell the orientation. Pillow reads no more."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TEXT = (b"tEXt", b"zTXt", b"iTXt")
_ANIMATION = (b"acTL", b"fcTL", b"fdAT")
_ORIENTATION_KEYWORDS = (b"XML:com.adobe.xmp", b"Raw profile type exif")
_GREY, _COLOUR, _PALETTE = 0, 2, 3

Span = tuple[int, int]
"""Start and end of a part of a file, in bytes."""


def without_ballast(photo: bytes) -> bytes:
    """Returns a PNG without the ancillary chunks that are faulty or don't change how it looks; other files as they are.

    An animation whose chunks are faulty becomes a still picture.

    Raises:
        ImageTooComplex: there are more than MAX_PNG_CHUNKS chunks.
        ImageVariantUnsupported: Xcode has rewritten the file, with other pixels than a PNG has.
    """
    if not photo.startswith(_SIGNATURE):
        return photo
    if photo[12:16] == b"CgBI":
        raise ImageVariantUnsupported(
            "This PNG was rewritten for an iPhone app and can't be read. Open it on a Mac, export it, send the copy."
        )
    png = _Png(photo)
    ballast = [(start, end) for kind, start, end in _chunks(photo) if not png.needs(kind, start, end)]
    if png.animation and not png.is_animation_sound:
        ballast = sorted([*ballast, *png.animation])
    if not ballast:
        return photo
    starts, ends = [0, *(end for _, end in ballast)], [*(start for start, _ in ballast), len(photo)]
    return b"".join(photo[start:end] for start, end in zip(starts, ends, strict=True))


def _chunks(photo: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of each whole chunk up to the end of the picture."""
    start = len(_SIGNATURE)
    for _ in range(MAX_PNG_CHUNKS):
        end = start + 12 + int.from_bytes(photo[start : start + 4], "big")
        if end > len(photo):
            return
        kind = photo[start + 4 : start + 8]
        yield kind, start, end
        if kind == b"IEND":
            return
        start = end
    raise ImageTooComplex(
        f"The PNG has more than {MAX_PNG_CHUNKS:,} chunks, which would take too long to decode. "
        "Save it again and send the copy."
    )


class _Png:
    """Remembers what the chunks so far mean for those that follow."""

    def __init__(self, photo: bytes) -> None:
        self.animation: list[Span] = []
        self.is_animation_sound = True
        self._photo = photo
        self._seen: set[bytes] = set()
        """Kinds of chunks, and keywords of texts."""
        self._size, self._colour_type, self._colours = (0, 0), 0, 0
        self._number = 0

    def needs(self, kind: bytes, start: int, end: int) -> bool:
        """Whether a chunk changes how the picture looks. Decoders judge critical chunks and unknown names."""
        if kind in _ANIMATION:
            self.animation.append((start, end))
            self.is_animation_sound = self.is_animation_sound and self._is_sound_step(kind, start, end)
            needed = True
        elif kind.isalpha() and kind[:1].islower():
            needed = self._is_needed(kind, start, end)
        else:
            self._note_critical(kind, start, end)
            needed = True
        if needed:
            self._seen.add(kind)
        return needed

    def _note_critical(self, kind: bytes, start: int, end: int) -> None:
        if kind == b"IHDR":
            header = self._photo[start + 8 : end - 4]
            self._size = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")
            self._colour_type = header[9] if len(header) > 9 else 0
        elif kind == b"PLTE":
            self._colours = (end - start - 12) // 3

    def _is_needed(self, kind: bytes, start: int, end: int) -> bool:
        if kind == b"tRNS":
            expected = {_GREY: (2, 2), _COLOUR: (6, 6), _PALETTE: (1, self._colours)}.get(self._colour_type, (1, 0))
            is_in_place = kind not in self._seen and b"IDAT" not in self._seen
            return is_in_place and expected[0] <= end - start - 12 <= expected[1] and self._is_intact(start, end)
        if kind == b"eXIf":
            return kind not in self._seen and self._is_intact(start, end)
        return kind in _TEXT and self._is_needed_text(kind, start, end)

    def _is_needed_text(self, kind: bytes, start: int, end: int) -> bool:
        """Whether Pillow looks for the orientation in this text, which may be stored once."""
        keyword, _, content = self._photo[start + 8 : min(end - 4, start + 8 + MAX_TEXT_BYTES)].partition(b"\0")
        if keyword not in _ORIENTATION_KEYWORDS or keyword in self._seen or not self._is_intact(start, end):
            return False
        self._seen.add(keyword)
        packed = _packed_text(kind, content)
        return end - start <= MAX_TEXT_BYTES and packed is not None and not _is_long(packed)

    def _is_sound_step(self, kind: bytes, start: int, end: int) -> bool:
        """Whether a chunk of an animation continues it, as the animation's own chunks before it say."""
        data = self._photo[start + 8 : min(end - 4, start + 8 + 26)]
        if not self._is_intact(start, end):
            return False
        if kind == b"acTL":
            return len(data) == 8 and not self._seen & {b"acTL", b"IDAT"} and data[:4] != bytes(4)
        if len(data) < 4 or b"acTL" not in self._seen or int.from_bytes(data[:4], "big") != self._number:
            return False
        self._number += 1
        return kind == b"fdAT" or (len(data) == 26 and self._is_inside(data))

    def _is_inside(self, control: bytes) -> bool:
        """Whether a frame lies in the picture. One whose pixels are those of the still picture has to fill it."""
        width, height, left, top = (int.from_bytes(control[place : place + 4], "big") for place in (4, 8, 12, 16))
        if b"IDAT" not in self._seen:
            return (width, height, left, top) == (*self._size, 0, 0)
        return 0 < width <= self._size[0] - left and 0 < height <= self._size[1] - top

    def _is_intact(self, start: int, end: int) -> bool:
        """Whether the checksum of a chunk is right."""
        photo = memoryview(self._photo)
        return zlib.crc32(photo[start + 4 : end - 4]) == int.from_bytes(photo[end - 4 : end], "big")


def _packed_text(kind: bytes, content: bytes) -> bytes | None:
    """The compressed text in what follows a keyword; empty if it isn't compressed, None if the method is unknown."""
    if kind == b"tEXt" or (kind == b"iTXt" and content[:1] == b"\0"):
        return b""
    if kind == b"zTXt":
        method, text = content[:1], content[1:]
    else:
        method, text = content[1:2], content[2:].split(b"\0", 2)[-1]  # language and translated keyword come first
    return text if method == b"\0" else None


def _is_long(packed: bytes) -> bool:
    """Whether text has more than MAX_TEXT_BYTES when it is decompressed. Faulty data count as none."""
    reader = zlib.decompressobj()
    try:
        reader.decompress(packed, MAX_TEXT_BYTES)
    except zlib.error:
        return False
    return bool(reader.unconsumed_tail)
