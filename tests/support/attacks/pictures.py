"""Picture files that are made to exhaust whoever decodes them. All are made by code, once for each process."""

import io
import random
import struct
import zlib
from collections.abc import Callable, Mapping
from functools import cache

from PIL import Image

from tests.support.pictures.photos import encoded, plain, scene, with_repeated_scan

MAX_FILE_BYTES = 20 * 2**20
"""Default of VERGER_MAX_IMAGE_BYTES."""


@cache
def endless_scans() -> bytes:
    """Returns a progressive JPEG of 16 megapixels whose last scan is there 3,000 times."""
    return with_repeated_scan(encoded(plain(size=(4000, 4000)), "JPEG", progressive=True), 3000)


@cache
def endless_chunks() -> bytes:
    """Returns a PNG with 1.7 million empty chunks, nearly as large as a file may be."""
    photo = encoded(scene(), "PNG")
    chunk = struct.pack(">I", 0) + b"vrGr" + struct.pack(">I", zlib.crc32(b"vrGr"))
    return photo[:33] + chunk * 1_700_000 + photo[33:]


@cache
def lying_avif() -> bytes:
    """Returns an AVIF of 36 megapixels whose boxes say 100 x 100."""
    photo = encoded(plain(size=(6000, 6000)), "AVIF", speed=10)
    place = photo.index(b"ispe") + 8
    return photo[:place] + struct.pack(">II", 100, 100) + photo[place + 8 :]


@cache
def noisy_fax() -> bytes:
    """Returns a fax (TIFF, CCITT group 3) whose 2 MB are noise. Its decoder complains of nearly every row."""
    noise, width, height = random.Random(7).randbytes(2_000_000), 1000, 30_000
    tags = {256: width, 257: height, 258: 1, 259: 3, 262: 0, 273: 8, 278: height, 279: len(noise)}
    directory = struct.pack("<H", len(tags))
    directory += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<I", 8 + len(noise)) + noise + directory + bytes(4)


@cache
def largest_photo() -> bytes:
    """Returns a JPEG that is easy to decode and exactly as large as a file may be."""
    photo = encoded(scene((500, 333)))
    return photo + bytes(MAX_FILE_BYTES - len(photo))


def _lossless_webp(side: int) -> bytes:
    """Returns a WebP of one colour in some 40 bytes: five prefix codes of one symbol each, and no further bit."""
    bits, count = 0, 0
    for value, width in [(side - 1, 14), (side - 1, 14), (0, 1), (0, 3), (0, 3), *[(1, 1), (0, 1), (0, 1), (1, 1)] * 5]:
        bits, count = bits | value << count, count + width
    data = b"\x2f" + bits.to_bytes((count + 7) // 8 + 1, "little")
    data += bytes(len(data) % 2)
    chunk = b"VP8L" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def _huge(side: int, mode: str, format: str, **options: object) -> Callable[[], bytes]:
    @cache
    def made() -> bytes:
        buffer = io.BytesIO()
        Image.new(mode, (side, side)).save(buffer, format, **options)
        return buffer.getvalue()

    return made


BOMBS: Mapping[str, Callable[[], bytes]] = {
    "WebP of 64 megapixels": cache(lambda: _lossless_webp(8000)),
    "WebP": cache(lambda: _lossless_webp(4800)),
    "PNG": _huge(8000, "RGBA", "PNG", compress_level=1),
    "progressive JPEG": _huge(8000, "RGB", "JPEG", progressive=True),
    "TIFF": _huge(5700, "RGB", "TIFF", compression="tiff_lzw"),
    "AVIF": _huge(5000, "RGB", "AVIF", speed=10),
    "GIF": _huge(8000, "P", "GIF"),
}
"""Pictures of one colour, about as large as their formats are accepted: they are small, and take much memory."""
