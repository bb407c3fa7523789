"""Names the formats that are not accepted but that people often send, so that they learn what to send instead."""

from engine.errors import ImageFormatUnsupported, ImageHeicUnsupported

_HEIC_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}  # the last two: any HEIF
)
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_VIDEO_BRANDS = frozenset({b"isom", b"iso2", b"mp41", b"mp42", b"avc1", b"qt  ", b"M4V ", b"3gp4", b"3gp5"})

_SIGNATURES = {
    b"\xff\x0a": "a JPEG XL picture",
    b"\x00\x00\x00\x0cJXL ": "a JPEG XL picture",
    b"\x00\x00\x00\x0cjP  ": "a JPEG 2000 picture",
    b"\xff\x4f\xff\x51": "a JPEG 2000 picture",
    b"8BPS": "a Photoshop document",
    b"%PDF": "a PDF document",
    b"\x00\x00\x01\x00": "an icon",
    b"<svg": "a drawing (SVG)",
    b"<?xml": "a drawing (SVG) or another document",
    b"FUJIFILMCCD-RAW": "a raw photo",
}
"""First bytes of files. The names are parts of sentences."""


def refuse_foreign(photo: bytes, accepted: str) -> None:
    """Refuses a file in a format that is known, but not accepted.

    Args:
        accepted: which formats are accepted, as a sentence without its full stop.

    Raises:
        ImageHeicUnsupported, ImageFormatUnsupported: the message names the format and what to send instead.
    """
    brands = _brands(photo)
    if brands & _HEIC_BRANDS and not brands & _AVIF_BRANDS:
        raise ImageHeicUnsupported(
            "This is a HEIC picture, as iPhones store it, which can't be read. Export it as JPEG and send that, or let "
            "the iPhone take JPEG: Settings, Camera, Formats, Most Compatible."
        )
    name = next((name for start, name in _SIGNATURES.items() if photo.startswith(start)), None)
    if b"crx " in brands:
        name = "a raw photo"
    elif brands and brands <= _VIDEO_BRANDS:
        name = "a video"
    if name:
        raise ImageFormatUnsupported(f"This is {name}. Save it in an accepted format, such as JPEG. {accepted}.")


def _brands(photo: bytes) -> set[bytes]:
    """The brands of an ISO media file, by its first box (ISO/IEC 14496-12, 4.3)."""
    if photo[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(photo[:4], "big"), 256)
    return {photo[8:12], *(photo[place : place + 4] for place in range(16, end - 3, 4))}
