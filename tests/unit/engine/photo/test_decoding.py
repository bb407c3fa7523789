import hashlib
import struct
import subprocess
import sys
import textwrap
import zlib

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, features
from verger.v1 import model_pb2

from engine.contract import PREPROCESSING_CODE_VERSION
from engine.errors import (
    ImageCorrupt,
    ImageEmpty,
    ImageFormatUnsupported,
    ImageTooLarge,
    ImageTooManyPixels,
    ImageTruncated,
)
from engine.model.golden import golden_pixels
from engine.photo.decoding import decode, preprocess, resize
from engine.photo.opening import FORMATS, Limits
from tests.support.pictures.photos import BLUE, GREEN, RED, YELLOW, encoded, plain, scene
from tests.support.repository import ROOT

SPEC = model_pb2.Preprocessing(width=32, height=32, resampling=model_pb2.RESAMPLING_BILINEAR, draft_factor=2)
LIMITS = Limits()


def pixels_of(photo: bytes, spec: model_pb2.Preprocessing) -> NDArray[np.uint8]:
    return np.asarray(preprocess(photo, spec, LIMITS))


def mean_color(photo: bytes) -> list[float]:
    return pixels_of(photo, SPEC).mean((0, 1)).tolist()


@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("JPEG", {"quality": 95}),
        ("JPEG", {"quality": 95, "progressive": True}),
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("GIF", {}),
        ("BMP", {}),
        ("TIFF", {}),
        pytest.param(
            "AVIF",
            {"quality": 95},
            marks=pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF"),
        ),
    ],
)
def test_every_accepted_format_gives_the_same_color(format: str, options: dict[str, object]) -> None:
    assert mean_color(encoded(plain(RED), format, **options)) == pytest.approx(RED, abs=3)


@pytest.mark.parametrize("mode", ["CMYK", "L", "YCbCr"])
def test_a_jpeg_may_have_any_color_mode(mode: str) -> None:
    grey = (120, 120, 120)
    assert mean_color(encoded(plain(grey).convert(mode), "JPEG", quality=95)) == pytest.approx(grey, abs=3)


def test_cmyk_keeps_its_color() -> None:
    red, green, blue = mean_color(encoded(plain(RED).convert("CMYK"), "JPEG", quality=95))
    assert red > 180
    assert green < 60
    assert blue < 60


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "PA"])
def test_transparency_becomes_white(mode: str) -> None:
    if mode == "P":
        image = Image.new("P", (40, 40), 0)
        image.putpalette([0, 0, 0, 255, 0, 0])
        photo = encoded(image, "PNG", transparency=0)
    elif mode == "PA":
        image = Image.new("P", (40, 40), 0)
        photo = encoded(image, "GIF", transparency=0)
    else:
        photo = encoded(Image.new(mode, (40, 40), (0,) * len(mode)), "PNG")
    assert mean_color(photo) == [255, 255, 255]


def test_half_transparent_pixels_are_mixed_with_white() -> None:
    image = Image.new("RGBA", (40, 40), (0, 0, 0, 128))
    assert mean_color(encoded(image, "PNG")) == pytest.approx([127] * 3, abs=1)


def test_a_16_bit_png_keeps_its_brightness() -> None:
    levels = np.full((40, 40), 128 * 257, np.uint16)
    assert mean_color(encoded(Image.fromarray(levels), "PNG")) == [128, 128, 128]


def test_a_dark_16_bit_png_stays_dark() -> None:
    levels = np.full((40, 40), 200, np.uint16)  # of 65535: nearly black, not nearly white
    assert mean_color(encoded(Image.fromarray(levels), "PNG")) == [1, 1, 1]


def test_levels_of_a_float_tiff_are_fractions() -> None:
    levels = np.full((40, 40), 0.5, np.float32)
    assert mean_color(encoded(Image.fromarray(levels), "TIFF")) == pytest.approx([128] * 3, abs=1)


def test_an_animation_gives_its_first_frame() -> None:
    photo = encoded(plain(RED), "GIF", save_all=True, append_images=[plain(BLUE)], duration=100)
    assert mean_color(photo) == pytest.approx(RED, abs=2)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_undone(orientation: int) -> None:
    """The upright picture has another colour in each corner. The file holds it turned, as its metadata say."""
    corners = {(0, 0): RED, (20, 0): GREEN, (0, 30): BLUE, (20, 30): YELLOW}
    upright = Image.new("RGB", (40, 60))
    for (left, top), color in corners.items():
        upright.paste(color, (left, top, left + 20, top + 30))
    inverse = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(inverse[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = pixels_of(encoded(stored, "PNG", exif=exif), SPEC)
    for (left, top), color in corners.items():
        assert pixels[8 if top == 0 else 24, 8 if left == 0 else 24] == pytest.approx(color, abs=2)


def png_header(side: int) -> bytes:
    """A PNG file that declares `side` times `side` pixels and has no data."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return bomb + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))


DAMAGED_EXIF = encoded(plain(RED), "JPEG", quality=95, exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff")


def preprocess_in_a_new_process(photo: bytes) -> subprocess.CompletedProcess[str]:
    """Prints the mean colour. In a new process, warnings are treated as in the service; pytest makes them errors."""
    code = """
        import sys
        from verger.v1 import model_pb2
        from engine.errors import InvalidArgument
        from engine.photo.decoding import preprocess
        from engine.photo.opening import Limits
        try:
            spec = model_pb2.Preprocessing(width=1, height=1, resampling=model_pb2.RESAMPLING_BILINEAR)
            print(*preprocess(sys.stdin.buffer.read(), spec, Limits()).getpixel((0, 0)))
        except InvalidArgument as error:
            print(error.reason)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, input=photo, cwd=ROOT, capture_output=True, timeout=60, check=True)
    return subprocess.CompletedProcess(command, 0, done.stdout.decode(), done.stderr.decode())


def test_a_picture_with_damaged_exif_is_decoded() -> None:
    done = preprocess_in_a_new_process(DAMAGED_EXIF)
    assert [int(level) for level in done.stdout.split()] == pytest.approx(RED, abs=3)
    assert done.stderr == ""


def test_a_size_that_pillow_warns_of_is_refused_without_a_warning() -> None:
    """Pillow itself only warns between its limit and twice its limit."""
    done = preprocess_in_a_new_process(png_header(15_000))
    assert (done.stdout.strip(), done.stderr) == ("IMAGE_TOO_MANY_PIXELS", "")


def test_the_format_is_told_from_the_content() -> None:
    assert decode(encoded(plain(), "PNG"), SPEC, LIMITS).size == (64, 48)


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(ImageEmpty):
        preprocess(b"", SPEC, LIMITS)


@pytest.mark.parametrize("photo", [b"hello", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.4\n", b"\0" * 100])
def test_a_file_that_is_not_a_picture_is_refused(photo: bytes) -> None:
    with pytest.raises(ImageFormatUnsupported, match="JPEG"):
        preprocess(photo, SPEC, LIMITS)


@pytest.mark.parametrize("format", ["PPM", "TGA", "ICO", "PCX", "EPS"])
def test_other_formats_are_refused(format: str) -> None:
    with pytest.raises(ImageFormatUnsupported):
        preprocess(encoded(plain(), format), SPEC, LIMITS)


def test_the_refusal_of_a_large_file_names_its_size_and_the_limit() -> None:
    with pytest.raises(ImageTooLarge, match=r"1,001 bytes; at most 1,000"):
        preprocess(b"x" * 1001, SPEC, Limits(max_bytes=1000))


def test_too_many_pixels_are_refused_from_the_header() -> None:
    photo = encoded(plain(size=(200, 100)), "PNG")
    with pytest.raises(ImageTooManyPixels, match="200 x 100 = 20,000"):
        preprocess(photo, SPEC, Limits(max_pixels=19_999))
    assert preprocess(photo, SPEC, Limits(max_pixels=20_000)).size == (32, 32)


@pytest.mark.parametrize("side", [10_000, 15_000, 60_000])
def test_a_decompression_bomb_is_never_decoded(side: int) -> None:
    with pytest.raises(ImageTooManyPixels):
        preprocess(png_header(side), SPEC, LIMITS)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP"])
def test_truncated_files_are_refused(format: str) -> None:
    photo = encoded(scene(), format)
    with pytest.raises((ImageTruncated, ImageCorrupt)) as refusal:
        preprocess(photo[: len(photo) * 2 // 3], SPEC, LIMITS)
    if format in ("JPEG", "PNG", "BMP"):
        assert isinstance(refusal.value, ImageTruncated)


def test_a_file_with_garbage_after_its_header_is_refused() -> None:
    photo = bytearray(encoded(scene(), "PNG"))
    photo[60:-60] = bytes(len(photo) - 120)
    with pytest.raises((ImageCorrupt, ImageTruncated)):
        preprocess(bytes(photo), SPEC, LIMITS)


def test_pixels_have_the_shape_and_order_of_the_contract() -> None:
    spec = model_pb2.Preprocessing(width=48, height=20, resampling=model_pb2.RESAMPLING_BICUBIC)
    image = Image.new("RGB", (100, 100), RED)
    image.paste(BLUE, (50, 0, 100, 100))
    pixels = pixels_of(encoded(image, "PNG"), spec)
    assert pixels.shape == (20, 48, 3)
    assert pixels[:, 4].mean(0) == pytest.approx(RED, abs=1)
    assert pixels[:, -4].mean(0) == pytest.approx(BLUE, abs=1)


def test_a_box_selects_a_part_of_the_picture() -> None:
    image = Image.new("RGB", (100, 100), RED)
    image.paste(BLUE, (50, 0, 100, 100))
    assert np.asarray(resize(image, SPEC, (60, 0, 100, 100))).mean((0, 1)) == pytest.approx(BLUE, abs=1)


@pytest.mark.parametrize("resampling", model_pb2.Resampling.values()[1:], ids=model_pb2.Resampling.Name)
def test_every_resampling_of_the_contract_is_the_filter_of_its_name(resampling: model_pb2.Resampling) -> None:
    spec = model_pb2.Preprocessing(width=32, height=32, resampling=resampling)
    filter_of_name = Image.Resampling[model_pb2.Resampling.Name(resampling).removeprefix("RESAMPLING_")]
    expected = scene().resize((32, 32), filter_of_name)
    assert preprocess(encoded(scene(), "PNG"), spec, LIMITS).tobytes() == expected.tobytes()


def test_reduced_scale_decoding_keeps_the_margin_and_hardly_changes_pixels() -> None:
    photo = encoded(scene((1600, 1200)), "JPEG", quality=90)
    whole = model_pb2.Preprocessing(width=224, height=224, resampling=model_pb2.RESAMPLING_BILINEAR)
    reduced = model_pb2.Preprocessing(width=224, height=224, resampling=model_pb2.RESAMPLING_BILINEAR, draft_factor=2)
    assert decode(photo, whole, LIMITS).size == (1600, 1200)
    assert decode(photo, reduced, LIMITS).size == (800, 600)
    difference = pixels_of(photo, whole).astype(int) - pixels_of(photo, reduced)
    assert np.abs(difference).mean() < 1


def test_accepted_formats_are_media_types() -> None:
    assert {"image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp", "image/tiff"} <= set(FORMATS.values())


def test_pixels_change_only_together_with_the_code_version() -> None:
    """If this digest of the pixels of three files changes, increment PREPROCESSING_CODE_VERSION too.

    Lossless files and integer arithmetic give the same pixels on every processor and with every decoder.
    """
    spec = model_pb2.Preprocessing(width=64, height=48, resampling=model_pb2.RESAMPLING_BILINEAR, draft_factor=2)
    color = Image.fromarray(golden_pixels(1, 150, 200))
    half = color.convert("RGBA")
    half.putalpha(color.convert("L"))
    grey = Image.fromarray(np.arange(60 * 80, dtype=np.uint16).reshape(60, 80) * 13)
    made = hashlib.sha256()
    for photo in (encoded(color, "PNG"), encoded(half, "PNG"), encoded(grey, "PNG")):
        made.update(preprocess(photo, spec, LIMITS).tobytes())
    assert (PREPROCESSING_CODE_VERSION, made.hexdigest()[:16]) == (1, "cab4f67ffc98cbdd")
