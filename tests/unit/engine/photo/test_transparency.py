"""Alpha channels that nobody filled, and animations that begin with an empty frame."""

import io
import struct

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, features
from verger.v1 import model_pb2

from engine.errors import ImageVariantUnsupported
from engine.photo.decoding import decode
from engine.photo.opening import LIGHT_BYTES, Limits, open_photo
from engine.photo.transparency import MAX_FRAMES, MAX_SEARCHED_PIXELS
from tests.support.pictures.photos import encoded, scene

SPEC = model_pb2.Preprocessing(width=224, height=224, resampling=model_pb2.RESAMPLING_BILINEAR, draft_factor=2)
SIZE = (60, 40)
ANIMATED = [
    ("PNG", {"disposal": 0}),
    ("PNG", {"disposal": 1}),
    ("PNG", {"disposal": 2}),
    ("GIF", {"disposal": 0}),
    ("GIF", {"disposal": 2}),
    ("GIF", {"disposal": 3}),
    ("WEBP", {"lossless": True}),
    pytest.param(
        "AVIF", {"quality": 100}, marks=pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
    ),
]


def decoded(photo: bytes) -> NDArray[np.uint8]:
    return np.asarray(decode(photo, SPEC, Limits()))


def bmp(header_size: int, masks: tuple[int, ...], alpha: int, bits: int = 32, compression: int = 3) -> bytes:
    """Encodes scene() with blue, green, red and an alpha byte for each pixel, as Windows does."""
    pixels = np.dstack([np.asarray(scene(SIZE))[::-1, :, ::-1], np.full(SIZE[::-1], alpha, np.uint8)]).tobytes()
    header = struct.pack("<IiiHHIIiiII", header_size, *SIZE, 1, bits, compression, len(pixels), 2835, 2835, 0, 0)
    header += struct.pack(f"<{len(masks)}I", *masks)
    header = header.ljust(header_size, b"\0")
    return b"BM" + struct.pack("<IHHI", 14 + len(header) + len(pixels), 0, 0, 14 + len(header)) + header + pixels


MASKS = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)


@pytest.mark.parametrize(
    ("header_size", "masks", "compression"),
    [(124, MASKS, 3), (108, MASKS, 3), (56, MASKS, 3), (124, (0, 0, 0, 0), 3), (40, MASKS[:3], 3), (40, (), 0)],
)
def test_a_bmp_whose_alpha_is_0_everywhere_is_opaque(
    header_size: int, masks: tuple[int, ...], compression: int
) -> None:
    np.testing.assert_array_equal(decoded(bmp(header_size, masks, 0, compression=compression)), np.asarray(scene(SIZE)))


def test_a_bmp_with_a_used_alpha_channel_keeps_it() -> None:
    photo = bytearray(bmp(124, MASKS, 0))
    photo[-1] = 255  # the last pixel, top right, is opaque
    result = decoded(bytes(photo))
    np.testing.assert_array_equal(result[0, -1], np.asarray(scene(SIZE))[0, -1])
    assert (result[1:] == 255).all()


@pytest.mark.parametrize(
    ("photo", "words"),
    [(bmp(124, MASKS, 0, compression=5), "compression"), (bmp(124, (0x3FF00000, 0xFFC00, 0x3FF, 0), 0), "bitfields")],
)
def test_rare_kinds_of_bmp_are_named(photo: bytes, words: str) -> None:
    with pytest.raises(ImageVariantUnsupported, match=f"BMP {words}.*Save the picture as PNG"):
        decoded(photo)


def animation(format: str, frames: list[Image.Image], **options: object) -> bytes:
    return encoded(frames[0], format, save_all=True, append_images=frames[1:], duration=100, **options)


def empty(size: tuple[int, int] = SIZE) -> Image.Image:
    return Image.new("RGBA", size, (0, 0, 0, 0))


def filled(colour: tuple[int, int, int], size: tuple[int, int] = SIZE) -> Image.Image:
    return Image.new("RGBA", size, (*colour, 255))


@pytest.mark.parametrize(("format", "options"), ANIMATED)
@pytest.mark.parametrize("empty_frames", [1, 2])
def test_an_animation_gives_the_first_frame_that_shows_something(
    format: str, options: dict[str, object], empty_frames: int
) -> None:
    hidden = [Image.new("RGBA", SIZE, (number, 0, 0, 0)) for number in range(empty_frames)]
    photo = animation(format, [*hidden, filled((250, 0, 0)), filled((0, 0, 250))], **options)
    assert np.abs(decoded(photo) - np.array([250, 0, 0])).max() <= 3


@pytest.mark.parametrize(("format", "options"), ANIMATED)
def test_an_animation_whose_first_frame_shows_something_gives_that_one(format: str, options: dict[str, object]) -> None:
    first = empty()
    first.paste((0, 250, 0, 255), (0, 0, 30, 40))
    result = decoded(animation(format, [first, filled((250, 0, 0))], **options)).astype(int)
    assert np.abs(result[:, :25] - [0, 250, 0]).max() <= 3
    assert result[:, 35:].min() >= 252


@pytest.mark.parametrize("palette", [[9, 9, 9, 0, 200, 0], None])
def test_what_the_first_frame_of_a_gif_leaves_uncovered_is_white(palette: list[int] | None) -> None:
    frame = Image.new("P" if palette else "L", (20, 10), 1)
    if palette:
        frame.putpalette(palette)
    photo = bytearray(encoded(frame, "GIF"))
    photo[6:10] = struct.pack("<HH", *SIZE)
    place = photo.index(b"\x2c\0\0\0\0") + 1
    photo[place : place + 4] = struct.pack("<HH", 30, 20)
    result = decoded(bytes(photo))
    assert (result[20:30, 30:50] == ([0, 200, 0] if palette else 1)).all()
    result = result.copy()
    result[20:30, 30:50] = 255
    assert result.min() == 255


@pytest.mark.parametrize("format", ["PNG", "GIF", "WEBP"])
def test_an_animation_that_shows_nothing_is_white(format: str) -> None:
    hidden = [Image.new("RGBA", SIZE, (number, 0, 0, 0)) for number in range(4)]
    assert decoded(animation(format, hidden)).min() == 255


def gif_of_empty_frames(count: int, size: tuple[int, int]) -> bytes:
    """Repeats an empty frame, which GIF encoders would leave out, before a frame that shows something."""
    single = encoded(Image.new("P", size, 0), "GIF", transparency=0)
    start = single.index(b"\x21\xf9")
    shown = animation("GIF", [empty(size), filled((250, 0, 0), size)])
    last = shown[shown.rindex(b"\x21\xf9") : -1]
    return single[:start] + single[start:-1] * count + last + b";"


def test_only_so_many_frames_are_looked_at() -> None:
    assert decoded(gif_of_empty_frames(MAX_FRAMES - 1, SIZE)).min() == 0
    assert decoded(gif_of_empty_frames(MAX_FRAMES, SIZE)).min() == 255
    side = int((MAX_SEARCHED_PIXELS / 4) ** 0.5)
    assert decoded(gif_of_empty_frames(3, (side, side))).min() == 0
    assert decoded(gif_of_empty_frames(4, (side, side))).min() == 255


def test_the_layers_of_an_animation_count_as_memory() -> None:
    side = int((LIGHT_BYTES / 8) ** 0.5)
    still = encoded(Image.new("P", (side, side), 0), "GIF")
    assert open_photo(still, SPEC, Limits()).is_light
    assert not open_photo(gif_of_empty_frames(1, (side, side)), SPEC, Limits()).is_light


def test_pages_of_a_tiff_are_no_frames() -> None:
    pages = io.BytesIO()
    empty().save(pages, "TIFF", save_all=True, append_images=[filled((250, 0, 0))])
    assert decoded(pages.getvalue()).min() == 255
