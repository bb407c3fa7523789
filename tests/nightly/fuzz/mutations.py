"""Makes picture files that no encoder writes, from ones that encoders do. The same numbers give the same files."""

import random
import struct
from collections.abc import Callable, Sequence
from functools import cache

from PIL import Image, features

from tests.support.pictures.photos import encoded, scene

CHANGES = (1, 1, 1, 2, 4)
NAME_BYTES = 12
MOST_STRUCTURE_BYTES = 300
LARGE_NUMBERS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)

Mutation = Callable[[bytearray, random.Random], None]


@cache
def originals() -> Sequence[bytes]:
    """Returns sound pictures of all formats, with many of the options that their encoders have."""
    photo = scene((160, 120))
    frames = [scene((96, 64), seed) for seed in (1, 2, 3)]
    animated = {"save_all": True, "append_images": frames[1:], "duration": 40}
    found = [encoded(photo, "JPEG", quality=quality, subsampling=kind) for quality in (30, 95) for kind in (0, 1, 2)]
    found += [encoded(photo, "JPEG", progressive=True), encoded(photo, "JPEG", restart_marker_rows=1)]
    found += [encoded(photo.convert(mode), "JPEG", progressive=True) for mode in ("L", "CMYK")]
    found += [encoded(photo.convert(mode), "PNG") for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")]
    found += [encoded(frames[0], "PNG", **animated), encoded(frames[0], "GIF", **animated)]
    found += [encoded(photo.convert(mode), "GIF") for mode in ("L", "P")]
    found += [encoded(photo.convert(mode), "BMP") for mode in ("1", "L", "P", "RGB", "RGBA")]
    found += [encoded(photo.convert(mode), "TIFF") for mode in ("1", "L", "I;16", "P", "RGB", "RGBA", "CMYK", "F")]
    found += [
        encoded(photo.convert("1" if kind.startswith("group") else "RGB"), "TIFF", compression=kind)
        for kind in ("tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits", "group3", "group4")
    ]
    found += [encoded(photo.convert("RGBA"), "WEBP", lossless=lossless) for lossless in (True, False)]
    found += [encoded(frames[0], "WEBP", **animated), encoded(photo, "WEBP", exif=Image.Exif().tobytes())]
    if features.check("avif"):
        found += [encoded(photo.convert(mode), "AVIF", speed=10) for mode in ("L", "RGB", "RGBA")]
        found += [encoded(frames[0], "AVIF", speed=10, **animated)]
    return found


def mutated(number: int, seed: int) -> bytes:
    """Returns the picture with this number: an original with one to four changes."""
    dice = random.Random(f"{seed}/{number}")
    picture = bytearray(dice.choice(originals()))
    for _ in range(dice.choice(CHANGES)):
        dice.choice(MUTATIONS)(picture, dice)
    return bytes(picture)


def _place(picture: bytearray, dice: random.Random) -> int:
    """A place in the file behind its first bytes, which name the format. A third are where most of the structure is."""
    end = min(len(picture), MOST_STRUCTURE_BYTES) if dice.random() < 1 / 3 else len(picture)
    return dice.randrange(NAME_BYTES, end) if end > NAME_BYTES else 0


def _flip_bits(picture: bytearray, dice: random.Random) -> None:
    for _ in range(dice.choice((1, 2, 8, 64))):
        if picture:
            picture[_place(picture, dice)] ^= 1 << dice.randrange(8)


def _overwrite_a_number(picture: bytearray, dice: random.Random) -> None:
    place, width = _place(picture, dice), dice.choice((1, 2, 4))
    number = dice.choice(LARGE_NUMBERS) & (1 << 8 * width) - 1
    picture[place : place + width] = number.to_bytes(width, dice.choice(("big", "little")))


def _overwrite_with_noise(picture: bytearray, dice: random.Random) -> None:
    place, length = _place(picture, dice), dice.choice((4, 16, 256))
    picture[place : place + length] = dice.randbytes(length)


def _remove(picture: bytearray, dice: random.Random) -> None:
    place = _place(picture, dice)
    del picture[place : place + dice.choice((1, 4, 12, 100))]


def _repeat(picture: bytearray, dice: random.Random) -> None:
    start = _place(picture, dice)
    part = picture[start : start + dice.choice((1, 4, 12, 100, 1000))]
    picture[start:start] = part * dice.choice((1, 2, 10, 100))


def _end_early(picture: bytearray, dice: random.Random) -> None:
    del picture[_place(picture, dice) :]


def _go_on_with_another(picture: bytearray, dice: random.Random) -> None:
    other = dice.choice(originals())
    picture[_place(picture, dice) :] = other[dice.randrange(len(other)) :]


def _swap_parts(picture: bytearray, dice: random.Random) -> None:
    first, second, length = _place(picture, dice), _place(picture, dice), dice.choice((2, 8, 64))
    one, other = picture[first : first + length], picture[second : second + length]
    picture[first : first + len(other)], picture[second : second + len(one)] = other, one


def _claim_a_size(picture: bytearray, dice: random.Random) -> None:
    """Overwrites one of the places where formats keep width and height, whichever format this is."""
    width, height = (dice.choice((0, 1, 500, 8_000, 16_383, 65_535, 0x7FFFFFFF)) for _ in range(2))
    mark, format, skip = dice.choice(
        [
            (b"IHDR", ">II", 4),
            (b"\xff\xc0", ">HH", 5),
            (b"\xff\xc2", ">HH", 5),
            (b"ispe", ">II", 8),
            (b"GIF89a", "<HH", 6),
        ]
    )
    place = picture.find(mark)
    if place >= 0:
        limit = 0xFFFF if "H" in format else 0xFFFFFFFF
        size = struct.pack(format, min(width, limit), min(height, limit))
        picture[place + skip : place + skip + len(size)] = size


MUTATIONS: Sequence[Mutation] = (
    _flip_bits,
    _overwrite_a_number,
    _overwrite_with_noise,
    _remove,
    _repeat,
    _end_early,
    _go_on_with_another,
    _swap_parts,
    _claim_a_size,
)
