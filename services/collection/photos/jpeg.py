"""Takes everything out of a JPEG that its pixels do not need: EXIF, XMP, profiles, comments, previews, what follows it.

Source: ITU-T T.81, annex B (segments) and table B.1 (markers); ITU-T T.871 (JFIF).
"""

import re

START, END = b"\xff\xd8", b"\xff\xd9"

_SCAN = 0xDA
_NEEDED = frozenset({0xC0, 0xC1, 0xC2, 0xC4, 0xDA, 0xDB, 0xDD})
"""Frames that browsers show (baseline, extended, progressive), tables of both kinds, scans, restart intervals."""

_DROPPED = frozenset(range(0xE0, 0xF0)) | {0xFE}
"""Application segments and comments."""

_JFIF = bytes.fromhex("ffe000104a46494600010100000100010000")
"""The segment by which decoders know that colours are YCbCr: version 1.1, no density, no thumbnail."""

_ADOBE_BYTES = 14
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""The marker that ends the coded data of a scan. Stuffed bytes, restarts and fill bytes are part of the data."""


def without_metadata(photo: bytes) -> bytes | None:
    """Returns the JPEG with the same pixels and nothing else; None if it is not built as cameras build theirs.

    What it returns stays as it is when it is given again.
    """
    if not photo.startswith(START):
        return None
    kept, place, has_frame = [START], len(START), False
    while True:
        while photo[place : place + 2] == b"\xff\xff":  # fill bytes
            place += 1
        if photo[place : place + 2] == END:
            return b"".join((*kept, END)) if has_frame else None
        if len(photo) < place + 4 or photo[place] != 0xFF:
            return None
        marker, length = photo[place + 1], int.from_bytes(photo[place + 2 : place + 4], "big")
        end = place + 2 + length
        segment = photo[place:end]
        if length < 2 or end > len(photo) or marker not in _NEEDED | _DROPPED:
            return None
        kept.append(_kept_of(marker, segment))
        if marker == _SCAN:
            found = _AFTER_SCAN.search(photo, end)
            if found is None:
                return None
            has_frame, end = True, found.start()
            kept.append(photo[place + len(segment) : end])
        place = end


def _kept_of(marker: int, segment: bytes) -> bytes:
    if marker in _NEEDED:
        return segment
    if marker == 0xE0 and segment[4:9] == b"JFIF\0":
        return _JFIF
    if marker == 0xEE and segment[4:9] == b"Adobe" and len(segment) == 2 + _ADOBE_BYTES:  # names the colours' transform
        return segment
    return b""
