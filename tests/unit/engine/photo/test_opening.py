"""Files that are small, look harmless, and would cost far too much to decode."""

import struct
import zlib

import pytest
from PIL import Image, features
from verger.v1 import model_pb2

from engine.errors import ImageTooComplex, ImageTooManyPixels
from engine.photo.jpeg import MAX_JPEG_SCANS, MAX_JPEG_SEGMENTS
from engine.photo.opening import Limits, OpenPhoto, open_photo
from engine.photo.png import MAX_PNG_CHUNKS
from engine.photo.structure import coded_size
from tests.support.pictures.photos import encoded, plain, scene, with_repeated_scan

SPEC = model_pb2.Preprocessing(width=224, height=224, resampling=model_pb2.RESAMPLING_BILINEAR, draft_factor=2)
needs_avif = pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")


def opened(photo: bytes, limits: Limits | None = None) -> OpenPhoto:
    return open_photo(photo, SPEC, limits or Limits())


def with_chunks(photo: bytes, count: int) -> bytes:
    """Adds chunks of private data to a PNG before its pixels."""
    chunk = struct.pack(">I", 0) + b"vrGr" + struct.pack(">I", zlib.crc32(b"vrGr"))
    return photo[:33] + chunk * count + photo[33:]


def with_segments(photo: bytes, count: int) -> bytes:
    """Adds empty comments to a JPEG."""
    return photo[:2] + b"\xff\xfe\x00\x02" * count + photo[2:]


def with_declared_size(avif: bytes, size: tuple[int, int]) -> bytes:
    """Changes what the boxes of an AVIF say of its size, not the picture."""
    place = avif.index(b"ispe") + 8
    return avif[:place] + struct.pack(">II", *size) + avif[place + 8 :]


def test_a_jpeg_of_endless_scans_is_refused() -> None:
    photo = encoded(scene(), "JPEG", progressive=True)
    assert opened(with_repeated_scan(photo, MAX_JPEG_SCANS // 2)).image.size == (320, 240)
    with pytest.raises(ImageTooComplex, match="64 scans"):
        opened(with_repeated_scan(photo, MAX_JPEG_SCANS))


def test_a_png_of_endless_chunks_is_refused() -> None:
    photo = encoded(scene(), "PNG")
    assert opened(with_chunks(photo, MAX_PNG_CHUNKS // 2)).image.size == (320, 240)
    with pytest.raises(ImageTooComplex, match="20,000 chunks"):
        opened(with_chunks(photo, MAX_PNG_CHUNKS))


def test_a_jpeg_of_endless_metadata_is_refused() -> None:
    photo = encoded(scene(), "JPEG")
    assert opened(with_segments(photo, MAX_JPEG_SEGMENTS // 2)).is_light
    with pytest.raises(ImageTooComplex, match="1,000 segments"):
        opened(with_segments(photo, MAX_JPEG_SEGMENTS))


@needs_avif
@pytest.mark.parametrize("options", [{}, {"subsampling": "4:4:4"}, {"range": "limited"}])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_an_avif_that_declares_another_size_is_measured_by_its_picture(mode: str, options: dict[str, str]) -> None:
    photo = encoded(scene((640, 480)).convert(mode), "AVIF", **options)
    limits = Limits(max_pixels=640 * 480 - 1)
    for size in ((640, 480), (16, 16)):
        with pytest.raises(ImageTooManyPixels, match="640 x 480 = 307,200"):
            opened(with_declared_size(photo, size), limits)
    assert opened(photo, Limits(max_pixels=640 * 480)).memory_bytes == 640 * 480 * 16


@pytest.mark.parametrize("format", ["WEBP", pytest.param("AVIF", marks=needs_avif), "PNG", "TIFF"])
def test_a_photo_that_takes_too_much_memory_is_refused(format: str) -> None:
    photo = encoded(plain(size=(400, 300)), format)
    with pytest.raises(ImageTooManyPixels, match="400 x 300 = 120,000 pixels; a file of this kind"):
        opened(photo, Limits(max_memory_bytes=120_000))


def test_a_jpeg_is_decoded_at_reduced_scale_in_little_memory() -> None:
    large = plain(size=(4000, 3000))
    assert opened(encoded(large, "JPEG")).memory_bytes == 4 * 1000 * 750
    assert opened(encoded(large, "JPEG", progressive=True)).memory_bytes == 6 * 4000 * 3000


@pytest.mark.parametrize(
    ("image", "format", "options", "is_light"),
    [
        (scene((500, 333)), "JPEG", {}, True),
        (scene((500, 333)), "JPEG", {"progressive": True}, True),
        (plain(size=(6000, 4000)), "JPEG", {}, True),
        (plain(size=(6000, 4000)), "JPEG", {"progressive": True}, False),
        (scene((500, 333)), "PNG", {}, True),
        (plain(size=(4000, 3000)), "PNG", {}, False),
        (plain(size=(1000, 1000)), "WEBP", {}, True),
        (plain(size=(1600, 1600)), "WEBP", {}, False),
    ],
)
def test_only_small_photos_and_sequential_jpegs_are_light(
    image: Image.Image, format: str, options: dict[str, object], is_light: bool
) -> None:
    assert opened(encoded(image, format, **options)).is_light is is_light


@pytest.mark.parametrize(
    "options",
    [{"lossless": True}, {"quality": 80}, {"lossless": True, "exif": b"Exif\0\0"}],
    ids=["VP8L", "VP8", "VP8X"],
)
def test_the_size_of_a_webp_is_known_before_its_library_takes_memory(options: dict[str, object]) -> None:
    photo = encoded(scene((301, 203)), "WEBP", **options)
    assert coded_size(photo) == (301, 203)
    assert opened(photo).image.size == (301, 203)


def test_scans_behind_the_only_one_of_a_sequential_jpeg_are_not_counted() -> None:
    photo = encoded(scene(), "JPEG")
    assert opened(photo + b"\xff\xda" * (MAX_JPEG_SCANS + 1)).is_light


def test_a_sequential_jpeg_with_a_scan_for_each_component_is_counted() -> None:
    photo = bytearray(encoded(scene(), "JPEG"))
    photo[photo.index(b"\xff\xda") + 4] = 1  # components of the first scan
    with pytest.raises(ImageTooComplex, match="64 scans"):
        opened(bytes(photo) + b"\xff\xda" * MAX_JPEG_SCANS)
