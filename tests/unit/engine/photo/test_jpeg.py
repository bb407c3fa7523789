"""Rare kinds of JPEG: decoded where the decoder can, else named."""

import numpy as np
import pytest
from numpy.typing import NDArray
from verger.v1 import model_pb2

from engine.errors import ImageTooManyPixels, ImageVariantUnsupported
from engine.photo.decoding import decode
from engine.photo.jpeg import read_jpeg
from engine.photo.opening import Limits, open_photo
from tests.support.pictures.jpegs import ARITHMETIC, lossless_jpeg, segment, with_metadata
from tests.support.pictures.photos import encoded, scene

SPEC = model_pb2.Preprocessing(width=32, height=32, resampling=model_pb2.RESAMPLING_BILINEAR, draft_factor=2)


def decoded(photo: bytes) -> NDArray[np.uint8]:
    return np.asarray(decode(photo, SPEC, Limits()))


def smooth(height: int, width: int) -> NDArray[np.uint8]:
    y, x = np.mgrid[0:height, 0:width]
    return ((x // 2 + y // 3) % 256).astype(np.uint8)


@pytest.mark.parametrize("length", [0, 65_300, 65_400, 200_000])
def test_arithmetic_coding_is_decoded_wherever_its_data_begin(length: int) -> None:
    """Pillow gives the decoder 64 KiB at a time, and this one can't wait for more."""
    y, x = np.mgrid[0:32, 0:48]
    result = decoded(with_metadata(ARITHMETIC, length)).astype(int)
    assert result.shape == (32, 48, 3)
    assert np.abs(result[..., 0] - 5 * x).mean() < 12
    assert np.abs(result[..., 1] - 7 * y).mean() < 12


@pytest.mark.parametrize(("height", "width"), [(40, 60), (300, 400)])
def test_a_lossless_jpeg_is_decoded_at_its_full_size(height: int, width: int) -> None:
    pixels = smooth(height, width)
    for length in (0, 65_300):
        result = decoded(with_metadata(lossless_jpeg(pixels), length))
        np.testing.assert_array_equal(result, np.repeat(pixels[..., None], 3, axis=2))


def test_a_lossless_jpeg_counts_with_all_its_memory() -> None:
    photo = lossless_jpeg(smooth(300, 400))
    assert open_photo(photo, SPEC, Limits()).memory_bytes == 6 * 300 * 400
    with pytest.raises(ImageTooManyPixels):
        open_photo(photo, SPEC, Limits(max_memory_bytes=5 * 300 * 400))


@pytest.mark.parametrize(
    ("photo", "name"),
    [
        (lossless_jpeg(smooth(8, 8), bits=12), "a JPEG with 12 bits for each sample"),
        (lossless_jpeg(smooth(8, 8), marker=0xC1, bits=12), "a JPEG with 12 bits for each sample"),
        (lossless_jpeg(smooth(8, 8), bits=16), "a JPEG with 16 bits for each sample"),
        (lossless_jpeg(smooth(8, 8), marker=0xC5), "a hierarchical JPEG"),
        (lossless_jpeg(smooth(8, 8), marker=0xCB), "a lossless JPEG with arithmetic coding"),
        (lossless_jpeg(smooth(8, 8), marker=0xF7), "a JPEG-LS"),
        (b"\xff\xd8" + segment(0xC0, b"\x08\0\0\0\x08\x01\x01\x11\0") + bytes(20), "tells its height after its pixels"),
        (b"\xff\xd8" + segment(0xC0, b"\x08\0\x08\0\x08\x02" + bytes(6)) + bytes(20), "a JPEG with 2 components"),
    ],
)
def test_what_can_not_be_decoded_is_named_with_the_way_out(photo: bytes, name: str) -> None:
    with pytest.raises(ImageVariantUnsupported, match=f"{name}.*Save it as a usual JPEG"):
        decoded(photo)


def test_a_usual_jpeg_is_read_as_it_arrives() -> None:
    for options in ({}, {"progressive": True}):
        frame = read_jpeg(encoded(scene(), "JPEG", **options))
        assert frame
        assert not frame.is_read_at_once
        assert frame.has_one_scan is not options.get("progressive", False)
