"""TIFF files are decoded to their own pixels or refused by name, in all combinations of how they are stored."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from verger.v1 import model_pb2

from engine.errors import ImageCorrupt, ImageTooManyPixels, ImageVariantUnsupported
from engine.photo.decoding import decode, preprocess
from engine.photo.opening import Limits, open_photo
from engine.photo.tiff import Tags, explain_unreadable
from tests.support.pictures.photos import encoded, scene
from tests.support.pictures.tiffs import (
    BLACK_IS_ZERO,
    CMYK,
    DEFLATE,
    LAB,
    PALETTE,
    RGB,
    SEPARATE,
    WHITE_IS_ZERO,
    YCBCR,
    Pixels,
    tiff,
)

SPEC = model_pb2.Preprocessing(width=224, height=224, resampling=model_pb2.RESAMPLING_BILINEAR, draft_factor=2)
HEIGHT, WIDTH = 37, 50
ASSOCIATED_ALPHA, ALPHA = 1, 2

LAYOUTS = [
    {"order": order, "planes": planes, "compression": compression, "tile": tile, "rows": rows, "big": big}
    for (order, big), planes, compression, (tile, rows) in product(
        (("<", False), ("<", True), (">", False)), (1, SEPARATE), (1, DEFLATE), ((0, 0), (0, 10), (16, 0))
    )
]
ORDERS = [{"order": order, "compression": compression} for order, compression in product("<>", (1, DEFLATE))]


def random(dtype: str, samples: int = 0, most: int = 0) -> Pixels:
    shape = (HEIGHT, WIDTH, samples) if samples else (HEIGHT, WIDTH)
    generator = np.random.default_rng((HEIGHT, samples))
    if dtype.startswith("f"):
        return generator.random(shape).astype(dtype)
    most = most or int(np.iinfo(dtype).max)
    pixels = generator.integers(0, most, shape, endpoint=True).astype(dtype)
    pixels[:2] = most  # what is white in the whole picture must not depend on chance
    return pixels


def decoded(photo: bytes) -> NDArray[np.uint8]:
    return np.asarray(decode(photo, SPEC, Limits()))


def grey(levels: NDArray[Any]) -> NDArray[np.uint8]:
    """Rounds levels of 0 to 255 and repeats them in three channels."""
    return np.repeat(np.floor(levels.clip(0, 255) + 0.5).astype(np.uint8)[..., None], 3, axis=2)


def on_white(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    layer = Image.fromarray(pixels)
    return np.asarray(Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB"))


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 12, 16])
@pytest.mark.parametrize("photometric", [BLACK_IS_ZERO, WHITE_IS_ZERO])
def test_grey_levels_of_all_depths_keep_their_brightness(bits: int, photometric: int) -> None:
    white = 2**bits - 1
    pixels = random("u1" if bits <= 8 else "u2", most=white)
    levels = pixels * (255 / white)
    expected = grey(levels if photometric == BLACK_IS_ZERO else 255 - levels)
    for layout in LAYOUTS:
        photo = tiff(pixels, photometric, bits=bits, **layout)
        np.testing.assert_array_equal(decoded(photo), expected, str(layout))


@pytest.mark.parametrize("dtype", ["u1", "u2"])
@pytest.mark.parametrize("samples", [3, 4])
def test_colours_are_read_from_pixels_and_from_planes(dtype: str, samples: int) -> None:
    pixels = random(dtype, samples)
    high = (pixels >> 8).astype(np.uint8) if dtype == "u2" else pixels
    expected = high if samples == 3 else on_white(high)
    for layout in LAYOUTS:
        photo = tiff(pixels, RGB, extra=[ALPHA] if samples == 4 else [], **layout)
        np.testing.assert_array_equal(decoded(photo), expected, str(layout))


@pytest.mark.parametrize("dtype", ["u1", "u2"])
@pytest.mark.parametrize("planes", [1, SEPARATE])
@pytest.mark.parametrize("samples", [1, 3])
def test_differences_of_neighbours_are_added_up(dtype: str, planes: int, samples: int) -> None:
    pixels = random(dtype, samples if samples > 1 else 0)
    for order, tile in product("<>", (0, 16)):
        layout = {"order": order, "planes": planes, "compression": DEFLATE, "tile": tile}
        photometric = RGB if samples == 3 else BLACK_IS_ZERO
        plain, packed = tiff(pixels, photometric, **layout), tiff(pixels, photometric, predictor=2, **layout)
        np.testing.assert_array_equal(decoded(packed), decoded(plain))


@pytest.mark.parametrize("layout", ORDERS, ids=str)
@pytest.mark.parametrize("photometric", [BLACK_IS_ZERO, WHITE_IS_ZERO])
@pytest.mark.parametrize(
    ("dtype", "most", "white"),
    [
        ("i2", 32767, 65535),
        ("u4", 200, 255),
        ("u4", 60_000, 65535),
        ("i4", 60_000, 65535),
        ("i4", 2**31 - 1, 2**31 - 1),
    ],
)
def test_wide_integers_are_levels_of_8_16_or_all_bits(
    layout: dict[str, Any], photometric: int, dtype: str, most: int, white: int
) -> None:
    pixels = random(dtype, most=most)
    levels = pixels.astype(np.float32) * (255 / white)
    difference = decoded(tiff(pixels, photometric, **layout)) - grey(
        levels if photometric == BLACK_IS_ZERO else 255 - levels
    ).astype(int)
    assert np.abs(difference).max() <= (1 if most > 2**24 else 0)  # 32-bit floats hold 24 bits


def test_unsigned_levels_beyond_31_bits_are_refused() -> None:
    assert "2,147,483,647" in refusal(tiff(random("u4", most=2**32 - 1)))


@pytest.mark.parametrize("layout", ORDERS, ids=str)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_floats_are_fractions_or_levels(layout: dict[str, Any], dtype: str) -> None:
    pixels = random(dtype)
    for factor, white in ((1, 1), (200, 255), (60_000, 65535)):
        levels = (pixels * factor).astype(np.float32) * np.float32(255 / white)
        for photometric, expected in ((BLACK_IS_ZERO, levels), (WHITE_IS_ZERO, 255 - levels)):
            difference = decoded(tiff((pixels * factor).astype(dtype), photometric, **layout)) - grey(expected).astype(
                int
            )
            assert np.abs(difference).max() <= 1
            assert (difference != 0).mean() < 0.01  # other roundings of a float


@pytest.mark.parametrize("fault", [np.nan, np.inf, -np.inf])
def test_levels_come_from_the_finite_numbers_and_what_is_no_number_is_black(fault: float) -> None:
    pixels = random("f4")
    faulty = pixels.copy()
    faulty[:3], faulty[20, 20] = fault, fault
    result = decoded(tiff(faulty))
    np.testing.assert_array_equal(result[3:20], decoded(tiff(pixels))[3:20])
    assert (result[:3] == (255 if fault == np.inf else 0)).all()


def test_a_picture_without_a_finite_number_is_black() -> None:
    assert decoded(tiff(np.full((HEIGHT, WIDTH), np.nan, np.float32))).max() == 0


def test_large_deep_pictures_have_the_pixels_of_small_ones() -> None:
    """From 2 megapixels on, they are converted in bands."""
    pixels = np.tile(random("f4") * 60_000, (60, 40))
    pixels[:, :100] = np.nan
    whole = Image.fromarray(decoded(tiff(pixels))).resize((224, 224), Image.Resampling.BILINEAR)
    assert preprocess(tiff(pixels, compression=DEFLATE), SPEC, Limits()).tobytes() == whole.tobytes()


def test_alpha_that_colours_were_multiplied_by_is_divided_out() -> None:
    pixels = random("u1", 4)
    pixels[..., 3] = pixels[..., 3] // 2 + 100
    premultiplied = pixels.copy()
    premultiplied[..., :3] = np.round(pixels[..., :3] * (pixels[..., 3:] / 255))
    expected = on_white(pixels).astype(int)
    for layout in LAYOUTS:
        photo = tiff(premultiplied, RGB, extra=[ASSOCIATED_ALPHA], **layout)
        assert np.abs(decoded(photo) - expected).max() <= 3, layout


@pytest.mark.parametrize("extra", [[], [0]])
def test_a_fourth_sample_without_a_meaning_hides_nothing(extra: list[int]) -> None:
    pixels = random("u1", 4)
    pixels[..., 3] = 0
    for layout in LAYOUTS:
        result = right_or_refused(tiff(pixels, RGB, extra=extra, **layout))
        if result is None:
            assert layout["planes"] == SEPARATE
        else:
            np.testing.assert_array_equal(result, pixels[..., :3], str(layout))


def test_grey_with_alpha_is_mixed_with_white_or_refused() -> None:
    pixels = random("u1", 2)
    expected = on_white(pixels[..., [0, 0, 0, 1]])
    for layout in LAYOUTS:
        result = right_or_refused(tiff(pixels, extra=[ALPHA], **layout))
        if result is None:
            assert layout["planes"] == SEPARATE
        else:
            assert np.abs(result - expected).max() <= 1, layout


@pytest.mark.parametrize(("photometric", "samples"), [(RGB, 3), (CMYK, 4), (BLACK_IS_ZERO, 1)])
@pytest.mark.parametrize("further_samples", [1, 2])
def test_samples_without_a_meaning_are_ignored_or_the_file_is_refused(
    photometric: int, samples: int, further_samples: int
) -> None:
    pixels = random("u1", samples + further_samples)
    colours = pixels[..., :samples] if samples > 1 else pixels[..., 0]
    expected = decoded(tiff(colours, photometric))
    for layout in LAYOUTS:
        result = right_or_refused(tiff(pixels, photometric, extra=[0] * further_samples, **layout))
        if result is not None:
            np.testing.assert_array_equal(result, expected, str(layout))


@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_inks_become_colours(dtype: str) -> None:
    pixels = random(dtype, 4)
    high = (pixels >> 8).astype(np.uint8) if dtype == "u2" else pixels
    expected = np.asarray(Image.frombytes("CMYK", (WIDTH, HEIGHT), high.tobytes()).convert("RGB"))
    for layout in LAYOUTS:
        np.testing.assert_array_equal(decoded(tiff(pixels, CMYK, **layout)), expected, str(layout))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palettes_give_colours(bits: int) -> None:
    pixels = random("u1", most=2**bits - 1)
    colours = np.random.default_rng(1).integers(0, 256, (3, 2**bits))
    expected = colours.T[pixels].astype(np.uint8)
    for layout in LAYOUTS:
        photo = tiff(pixels, PALETTE, bits=bits, further=[(320, 3, (colours * 257).ravel().tolist())], **layout)
        np.testing.assert_array_equal(decoded(photo), expected, str(layout))


def test_a_palette_of_8_bit_levels_is_read_as_such() -> None:
    pixels = random("u1", most=3)
    colours = np.array([[0, 200, 9, 255], [1, 100, 9, 255], [2, 50, 9, 0]])
    photo = tiff(pixels, PALETTE, bits=2, further=[(320, 3, colours.ravel().tolist())])
    np.testing.assert_array_equal(decoded(photo), colours.T[pixels])


@pytest.mark.parametrize("orientation", [3, 6])
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_deep_pictures_are_turned_upright(dtype: str, orientation: int) -> None:
    pixels = random(dtype)
    for order in "<>":
        turned = decoded(tiff(pixels, WHITE_IS_ZERO, order, further=[(274, 3, [orientation])]))
        plain = decoded(tiff(pixels, WHITE_IS_ZERO, order))
        expected = plain[::-1, ::-1] if orientation == 3 else np.rot90(plain, -1)
        np.testing.assert_array_equal(turned, expected)


def test_luma_and_chroma_become_colours() -> None:
    image = scene((WIDTH, HEIGHT))
    pixels, expected = np.asarray(image.convert("YCbCr")), np.asarray(image).astype(int)
    for layout in LAYOUTS:
        photo = tiff(pixels, YCBCR, further=[(530, 3, [1, 1])], **layout)
        result = right_or_refused(photo)
        assert result is None or np.abs(result - expected).max() <= 3, layout


def test_lab_colours_are_converted_or_refused() -> None:
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[..., 0], pixels[..., 1], pixels[..., 2] = 128, np.int8(60).view(np.uint8), np.int8(40).view(np.uint8)
    for layout in LAYOUTS:
        result = right_or_refused(tiff(pixels, LAB, **layout))
        red, green, blue = result.mean((0, 1)) if result is not None else (200, 70, 60)
        assert red > 170, layout
        assert green < 100, layout
        assert blue < 90, layout


def right_or_refused(photo: bytes) -> NDArray[np.int64] | None:
    try:
        return decoded(photo).astype(np.int64)
    except ImageVariantUnsupported:
        return None


def refusal(photo: bytes) -> str:
    with pytest.raises(ImageVariantUnsupported) as caught:
        decoded(photo)
    return str(caught.value)


@pytest.mark.parametrize(
    ("photo", "words"),
    [
        (tiff(random("f4", 3), RGB), ["32-bit RGB", "floating-point"]),
        (tiff(random("f2")), ["16-bit grey", "floating-point"]),
        (tiff(random("i1")), ["8-bit grey", "signed"]),
        (tiff(random("u4", 3), RGB), ["32-bit RGB"]),
        (tiff(random("u2", 2), extra=[ALPHA]), ["16-bit grey", "2 samples"]),
        (tiff(random("u1"), compression=50001), ["WebP compression"]),
        (tiff(random("u1"), compression=34712), ["JPEG 2000 compression"]),
        (tiff(random("u1"), compression=12345), ["unknown (12345) compression"]),
        (tiff(random("u1", 3), LAB, planes=SEPARATE), ["8-bit Lab", "separate planes"]),
        (tiff(random("u1"), photometric=32803), ["8-bit other"]),
    ],
)
def test_what_can_not_be_read_is_named_with_the_way_out(photo: bytes, words: list[str]) -> None:
    text = refusal(photo)
    assert all(word in text for word in words), text
    assert "Save it as a PNG" in text


def test_a_big_endian_bigtiff_is_named() -> None:
    assert "big-endian BigTIFF" in refusal(tiff(random("u1"), order=">", big=True))


def test_a_damaged_directory_is_damage_and_no_variant() -> None:
    with pytest.raises(ImageCorrupt):
        decoded(b"II*\0\x08\0\0\0" + bytes(20))


def test_a_tile_that_is_larger_than_its_picture_counts_with_its_whole_size() -> None:
    """libtiff decodes whole tiles, and a tile of zeros is small in a file."""
    pixels = random("u1")
    np.testing.assert_array_equal(decoded(tiff(pixels, tile=64, compression=DEFLATE)), grey(pixels))
    bomb = tiff(pixels, tile=4096, compression=DEFLATE)
    assert not open_photo(bomb, SPEC, Limits()).is_light
    with pytest.raises(ImageTooManyPixels, match="4096 x 4096"):
        open_photo(bomb, SPEC, Limits(max_pixels=4096 * 4096 - 1))


def test_nothing_is_written_to_the_standard_streams(capfd: pytest.CaptureFixture[str]) -> None:
    whole = encoded(scene(), "TIFF", compression="tiff_lzw")
    for photo in (tiff(random("u1"), compression=50001), whole):
        right_or_refused(photo)
    assert capfd.readouterr() == ("", "")


def test_a_lack_of_memory_is_not_blamed_on_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*arguments: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Tags, "load", load)
    with pytest.raises(MemoryError):
        explain_unreadable(b"II*\0" + bytes(60))
