"""PNG files whose ancillary chunks are long, faulty or out of place are decoded as libpng does."""

import struct
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from verger.v1 import model_pb2

from engine.errors import InvalidArgument
from engine.photo.decoding import decode
from engine.photo.opening import Limits
from engine.photo.png import without_ballast
from tests.support.pictures.photos import encoded, scene
from tests.support.pictures.pngs import COLOUR, PALETTE, SIGNATURE, chunk, png

SPEC = model_pb2.Preprocessing(width=224, height=224, resampling=model_pb2.RESAMPLING_BILINEAR, draft_factor=2)
PIXELS = np.asarray(scene((60, 40)))
LONG = bytes(1_500_000)
PLAIN = png(PIXELS, colour_type=COLOUR)


def decoded(photo: bytes) -> NDArray[np.uint8]:
    return np.asarray(decode(photo, SPEC, Limits()))


def orientation(value: int) -> bytes:
    return b"MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHIHHI", 0x112, 3, 1, value, 0, 0)


@pytest.mark.parametrize(
    "ballast",
    [
        chunk(b"tEXt", b"Comment\0" + b"x" * 1_500_000),
        chunk(b"zTXt", b"Comment\0\0" + zlib.compress(LONG)),
        chunk(b"zTXt", b"Comment\0\x07" + zlib.compress(b"unknown method")),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + b"x" * 1_500_000),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(LONG)),
        chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(LONG)),
        chunk(b"zTXt", b"Raw profile type exif\0\x07" + zlib.compress(b"unknown method")),
        chunk(b"iCCP", b"profile\0\0" + zlib.compress(LONG)),
        chunk(b"iCCP", b"profile\0\x07"),
        chunk(b"iCCP", b"profile"),
        chunk(b"pHYs", bytes(5)),
        chunk(b"gAMA", bytes(2)),
        chunk(b"cHRM", bytes(7)),
        chunk(b"sRGB"),
        chunk(b"tIME", fault=1),
        chunk(b"vrGr", b"private", fault=1),
        chunk(b"tRNS", b"\0\1"),
        chunk(b"tRNS", bytes(6), fault=1),
        chunk(b"eXIf", orientation(6), fault=1),
        chunk(b"iTXt", b'XML:com.adobe.xmp\0\0\0\0\0tiff:Orientation="6"', fault=1),
        chunk(b"acTL", bytes(3)),
        chunk(b"acTL", struct.pack(">II", 2, 0)) + chunk(b"fcTL", bytes(9)),
    ],
    ids=lambda ballast: ballast[4:40].decode("latin-1"),
)
def test_ballast_and_faults_do_not_change_the_picture(ballast: bytes) -> None:
    np.testing.assert_array_equal(decoded(png(PIXELS, ballast, colour_type=COLOUR)), PIXELS)
    np.testing.assert_array_equal(decoded(png(PIXELS, colour_type=COLOUR, after=ballast)), PIXELS)


@pytest.mark.parametrize(
    "metadata",
    [
        chunk(b"eXIf", orientation(3)),
        chunk(b"iTXt", b'XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation="3"/>'),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b'<x tiff:Orientation="3"/>')),
        chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n26\n" + orientation(3).hex().encode())),
        chunk(b"tEXt", b"Raw profile type exif\0\nexif\n26\n" + orientation(3).hex().encode()),
    ],
    ids=["eXIf", "XMP", "packed XMP", "packed profile", "profile"],
)
def test_metadata_still_turn_the_picture_upright(metadata: bytes) -> None:
    np.testing.assert_array_equal(decoded(png(PIXELS, metadata, colour_type=COLOUR)), PIXELS[::-1, ::-1])


def test_a_picture_without_ballast_is_not_copied() -> None:
    assert without_ballast(PLAIN) is PLAIN
    assert without_ballast(b"no PNG") == b"no PNG"


def test_what_follows_the_end_is_kept_and_ignored() -> None:
    np.testing.assert_array_equal(decoded(PLAIN + b"trailing"), PIXELS)


@pytest.mark.parametrize("kind", [b"IHDR", b"PLTE"])
def test_checksums_of_critical_chunks_are_still_checked(kind: bytes) -> None:
    photo = bytearray(
        png(np.zeros((4, 4), np.uint8), chunk(b"PLTE", bytes(3)), colour_type=PALETTE) if kind == b"PLTE" else PLAIN
    )
    place = photo.index(kind)
    length = int.from_bytes(photo[place - 4 : place], "big")
    photo[place + 4 + length] ^= 1
    with pytest.raises(InvalidArgument):
        decoded(bytes(photo))


def test_data_that_is_cut_within_ballast_is_still_noticed() -> None:
    photo = png(PIXELS, colour_type=COLOUR, after=chunk(b"tEXt", b"Comment\0" + b"x" * 500))
    with pytest.raises(InvalidArgument):
        decoded(photo[: photo.index(b"IDAT") + 200])


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_transparent_grey_level_becomes_white_in_all_depths(bits: int) -> None:
    white = 2**bits - 1
    pixels = np.random.default_rng(0).integers(0, white, (40, 60), np.uint8, endpoint=True)
    for level in sorted({0, white // 2, white}):
        photo = png(pixels, chunk(b"tRNS", struct.pack(">H", level)), bits=bits if bits < 8 else 0)
        expected = np.where(pixels == level, 255, pixels.astype(int) * 255 // white)
        np.testing.assert_array_equal(decoded(photo)[..., 0], expected)


def test_a_transparent_16_bit_grey_level_becomes_white_and_its_neighbours_do_not() -> None:
    pixels = np.random.default_rng(0).integers(0, 2**16, (40, 60)).astype(np.uint16)
    pixels[:5], pixels[5:10] = 1000, 1001
    expected = np.where(pixels == 1000, 255, np.floor(pixels / 257 + 0.5))
    result = decoded(png(pixels, chunk(b"tRNS", struct.pack(">H", 1000))))
    np.testing.assert_array_equal(result, np.repeat(expected[..., None], 3, axis=2))


@pytest.mark.parametrize("key", [(0, 0, 0), (1000, 40_000, 65_535)])
def test_a_transparent_16_bit_colour_becomes_white_and_its_neighbours_do_not(key: tuple[int, int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 2**16, (40, 60, 3)).astype(np.uint16)
    pixels[:5] = key
    pixels[5:10] = np.array(key) + (1 if key == (0, 0, 0) else -1)
    expected = np.where((pixels == key).all(axis=2, keepdims=True), 255, pixels >> 8)
    np.testing.assert_array_equal(
        decoded(png(pixels, chunk(b"tRNS", struct.pack(">3H", *key)), colour_type=COLOUR)), expected
    )


def test_transparent_entries_of_a_palette_become_white() -> None:
    pixels = np.arange(4, dtype=np.uint8).repeat(300).reshape(40, 30)
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 9, 9]])
    palette = chunk(b"PLTE", colours.astype(np.uint8).tobytes())
    result = decoded(png(pixels, palette, chunk(b"tRNS", b"\xff\x00\x80"), colour_type=PALETTE))
    expected = np.array([[255, 0, 0], [255, 255, 255], [127, 127, 255], [9, 9, 9]])[pixels]
    assert np.abs(result - expected).max() <= 1
    too_many = decoded(png(pixels, palette, chunk(b"tRNS", bytes(5)), colour_type=PALETTE))
    np.testing.assert_array_equal(too_many, colours[pixels])


def test_transparency_behind_the_pixels_or_a_second_time_is_ignored() -> None:
    pixels = np.full((40, 60), 7, np.uint8)
    key = chunk(b"tRNS", b"\0\7")
    assert decoded(png(pixels, after=key)).max() == 7
    assert decoded(png(pixels, chunk(b"tRNS", b"\0\1"), key)).max() == 7


def test_a_png_rewritten_for_an_app_is_named() -> None:
    photo = PLAIN[:8] + chunk(b"CgBI", bytes(4)) + PLAIN[8:]
    with pytest.raises(InvalidArgument, match="iPhone app") as caught:
        decoded(photo)
    assert caught.value.reason == "IMAGE_VARIANT_UNSUPPORTED"


def many(count: int, size: tuple[int, int] = (60, 40), **options: Any) -> bytes:
    frames = [Image.new("RGBA", size, (40 * number, 0, 0, 255)) for number in range(count)]
    return encoded(frames[0], "PNG", save_all=True, append_images=frames[1:], **options)


def test_animations_give_their_first_frame_and_faulty_ones_their_still_picture() -> None:
    whole = many(3)
    assert (decoded(whole) == [0, 0, 0]).all()
    for kind in (b"acTL", b"fcTL", b"fdAT"):
        broken = bytearray(whole)
        broken[broken.index(kind) + 5] ^= 255
        assert (decoded(bytes(broken)) == [0, 0, 0]).all(), kind


def test_frames_out_of_the_picture_or_out_of_order_are_faults() -> None:
    still = png(np.zeros((40, 60), np.uint8))
    head, rest = still[:33], still[33:]
    for number, width in ((5, 60), (0, 61), (0, 59)):
        control = struct.pack(">IIIIIHHBB", number, width, 40, 0, 0, 1, 10, 0, 0)
        photo = head + chunk(b"acTL", struct.pack(">II", 2, 0)) + chunk(b"fcTL", control) + rest
        assert without_ballast(photo) == still


def test_the_signature_alone_is_refused() -> None:
    with pytest.raises(InvalidArgument) as caught:
        decoded(SIGNATURE)
    assert caught.value.reason == "IMAGE_CORRUPT"
