"""The true size of a WebP or AVIF picture, which is known before its library takes memory."""

from engine.photo.av1 import av1_sizes


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
