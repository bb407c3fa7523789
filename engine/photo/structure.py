"""What the structure of a file says before it is decoded: whether decoding it is bounded, and its true size.

Formats allow files that are small, say a harmless size, and cost minutes of processor time or gigabytes of memory. The
checks here cost microseconds for a usual photo. What they can't see is limited by time and memory while it is decoded.
"""

from engine.errors import ImageTooComplex
from engine.photo.av1 import av1_sizes

MAX_JPEG_SCANS = 64
"""A progressive JPEG has about 10 scans; each scan visits all pixels again. Thumbnails in its metadata count, too."""

MAX_JPEG_SEGMENTS = 1_000
"""Segments before the first scan. Cameras write about 20; a colour profile or XMP in parts takes some hundreds."""

MAX_PNG_CHUNKS = 20_000
"""Encoders write image data in chunks of 8 KB, so that the largest file accepted by default has about 2,500."""

_SIZE_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SEQUENTIAL_MARKERS = frozenset({0xC0, 0xC1})
_SCAN_MARKER, _END_MARKER = 0xDA, 0xD9


def is_sequential_jpeg(photo: bytes) -> bool:
    """Whether a file is a JPEG that decoders read in one pass, at reduced scale and in constant memory.

    Raises:
        ImageTooComplex: it has more segments before its first scan than MAX_JPEG_SEGMENTS, or too many scans.
    """
    if not photo.startswith(b"\xff\xd8"):
        return False
    if _has_one_scan(photo):
        return True
    if photo.count(b"\xff\xda") > MAX_JPEG_SCANS:  # takes milliseconds for a large file
        raise ImageTooComplex(
            f"The JPEG has more than {MAX_JPEG_SCANS} scans, which would take too long to decode. "
            "Save it again with the usual settings and send the copy."
        )
    return False


def refuse_endless_chunks(photo: bytes) -> None:
    """Counts the chunks of a PNG; files of other formats pass.

    Raises:
        ImageTooComplex: there are more than MAX_PNG_CHUNKS.
    """
    if not photo.startswith(b"\x89PNG\r\n\x1a\n"):
        return
    place, chunks = 8, 0
    while place + 12 <= len(photo):
        place += 12 + int.from_bytes(photo[place : place + 4], "big")
        chunks += 1
        if chunks > MAX_PNG_CHUNKS:
            raise ImageTooComplex(
                f"The PNG has more than {MAX_PNG_CHUNKS:,} chunks, which would take too long to decode. "
                "Save it again and send the copy."
            )


def coded_size(photo: bytes) -> tuple[int, int] | None:
    """Width and height, in pixels, of the largest picture in a WebP or AVIF file; None for other or damaged files.

    The library for WebP takes its memory as soon as a file is opened. The boxes around an AVIF picture, which Pillow
    believes, may declare another size than the picture has.
    """
    if photo[4:8] == b"ftyp":
        return max(av1_sizes(photo), key=lambda size: size[0] * size[1], default=None)
    if photo[:4] == b"RIFF" and photo[8:12] == b"WEBP":
        return _webp_size(photo)
    return None


def _webp_size(photo: bytes) -> tuple[int, int] | None:
    """The size in the first chunk (RFC 9649, 2.3 to 2.7)."""
    kind, head = photo[12:16], photo[20:30]
    if len(head) < 10:
        return None
    if kind == b"VP8X":
        return int.from_bytes(head[4:7], "little") + 1, int.from_bytes(head[7:10], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(head[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return int.from_bytes(head[6:8], "little") & 0x3FFF, int.from_bytes(head[8:10], "little") & 0x3FFF


def _has_one_scan(photo: bytes) -> bool:
    """Whether a JPEG is sequential, and its first scan has all components: decoders look at no other scan then."""
    place, frame_components = 2, 0
    for _ in range(MAX_JPEG_SEGMENTS):
        place = photo.find(b"\xff", place)
        while photo[place : place + 1] == b"\xff":  # any number of fill bytes
            place += 1
        if place <= 0 or place + 9 >= len(photo):
            return False
        marker = photo[place]
        if marker == _SCAN_MARKER:
            return photo[place + 3] == frame_components
        if marker == _END_MARKER or marker in _SIZE_MARKERS - _SEQUENTIAL_MARKERS:
            return False
        if marker in _SEQUENTIAL_MARKERS:
            frame_components = photo[place + 8]
        length = int.from_bytes(photo[place + 1 : place + 3], "big") if marker not in range(0xD0, 0xD9) else 0
        place += 1 + length
    raise ImageTooComplex(
        f"The JPEG has more than {MAX_JPEG_SEGMENTS:,} segments of metadata. "
        "Save it again without them and send the copy."
    )
