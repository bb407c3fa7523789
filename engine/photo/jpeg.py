"""What the segments of a JPEG say before it is decoded: its process, its precision, and whether decoding is bounded.

Source: ITU-T T.81, annex B (segments) and table B.1 (markers).
"""

from dataclasses import dataclass

from engine.errors import ImageTooComplex, ImageVariantUnsupported

MAX_JPEG_SCANS = 64
"""A progressive JPEG has about 10 scans; each scan visits all pixels again. Thumbnails in its metadata count, too."""

MAX_JPEG_SEGMENTS = 1_000
"""Segments before the first scan. Cameras write about 20; a colour profile or XMP in parts takes some hundreds."""

_LS_MARKER = 0xF7
_FRAME_MARKERS = (frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}) | {_LS_MARKER}
_SEQUENTIAL_MARKERS = frozenset({0xC0, 0xC1})
_LOSSLESS_MARKER = 0xC3
_ARITHMETIC_MARKERS = frozenset({0xC9, 0xCA})
_SCAN_MARKER, _END_MARKER = 0xDA, 0xD9

_UNSUPPORTED_PROCESSES = {
    **dict.fromkeys((0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF), "a hierarchical JPEG"),
    0xCB: "a lossless JPEG with arithmetic coding",
    _LS_MARKER: "a JPEG-LS",
}


@dataclass(frozen=True)
class JpegFrame:
    """The frame header of a JPEG that can be decoded."""

    marker: int
    """Second byte of the frame's marker, 0xC0 to 0xCF. It names the process."""

    has_one_scan: bool
    """Whether it is sequential and its first scan has all components: decoders look at no other scan then."""

    @property
    def is_lossless(self) -> bool:
        """A lossless JPEG can't be decoded at reduced scale."""
        return self.marker == _LOSSLESS_MARKER

    @property
    def is_read_at_once(self) -> bool:
        """Whether the decoder of this process must be given the whole file, since it can't wait for more data."""
        return self.is_lossless or self.marker in _ARITHMETIC_MARKERS


def read_jpeg(photo: bytes) -> JpegFrame | None:
    """Reads the frame header of a JPEG. Returns None for other files, and for a JPEG that has none.

    Raises:
        ImageTooComplex: it has more segments before its first scan than MAX_JPEG_SEGMENTS, or too many scans.
        ImageVariantUnsupported: it is a JPEG, but of a kind that can't be decoded.
    """
    if not photo.startswith(b"\xff\xd8"):
        return None
    frame = _frame(photo)
    if (
        not (frame and frame.has_one_scan) and photo.count(b"\xff\xda") > MAX_JPEG_SCANS
    ):  # milliseconds for a large file
        raise ImageTooComplex(
            f"The JPEG has more than {MAX_JPEG_SCANS} scans, which would take too long to decode. "
            "Save it again with the usual settings and send the copy."
        )
    return frame


def _frame(photo: bytes) -> JpegFrame | None:
    place, frame, components = 2, None, 0
    for _ in range(MAX_JPEG_SEGMENTS):
        place = photo.find(b"\xff", place)
        while photo[place : place + 1] == b"\xff":  # any number of fill bytes
            place += 1
        if place <= 0 or place + 9 >= len(photo):
            return frame
        marker = photo[place]
        if marker == _SCAN_MARKER:
            return frame and JpegFrame(frame.marker, photo[place + 3] == components)
        if marker == _END_MARKER:
            return frame
        if marker in _FRAME_MARKERS:
            _refuse_unsupported(marker, photo[place + 3 : place + 9])
            frame, components = JpegFrame(marker, False), photo[place + 8]
            if marker not in _SEQUENTIAL_MARKERS:
                return frame
        length = int.from_bytes(photo[place + 1 : place + 3], "big") if marker not in range(0xD0, 0xD9) else 0
        place += 1 + length
    raise ImageTooComplex(
        f"The JPEG has more than {MAX_JPEG_SEGMENTS:,} segments of metadata. "
        "Save it again without them and send the copy."
    )


def _refuse_unsupported(marker: int, header: bytes) -> None:
    """Refuses what the decoder can't read; `header` is precision, height, width and number of components."""
    bits, height, components = header[0], int.from_bytes(header[1:3], "big"), header[5]
    kind = _UNSUPPORTED_PROCESSES.get(marker)
    if not kind and bits != 8:
        kind = f"a JPEG with {bits} bits for each sample"
    if not kind and height == 0:
        kind = "a JPEG that tells its height after its pixels only"
    if not kind and components not in (1, 3, 4):
        kind = f"a JPEG with {components} components"
    if kind:
        raise ImageVariantUnsupported(
            f"This is {kind}, which can't be read. Save it as a usual JPEG and send the copy."
        )
