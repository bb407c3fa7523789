"""What the client takes for a photo."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from verger_client import PhotoError
from verger_client.photos import encoded

PICTURE = Image.effect_noise((40, 30), 80).convert("RGB")


def decoded(photo: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(photo)))


def test_bytes_and_files_are_sent_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"whatever")
    given = (b"whatever", bytearray(b"whatever"), tmp_path / "a.jpg", str(tmp_path / "a.jpg"))
    assert [encoded(photo) for photo in given] == [b"whatever"] * 4


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "1"])
def test_pillow_images_lose_nothing(mode: str) -> None:
    image = PICTURE.convert(mode)
    assert np.array_equal(decoded(encoded(image)), np.asarray(image))


def test_a_mode_that_png_lacks_becomes_rgb() -> None:
    assert np.array_equal(decoded(encoded(PICTURE.convert("CMYK"))), np.asarray(PICTURE.convert("CMYK").convert("RGB")))


@pytest.mark.parametrize("shape", [(5, 7, 3), (5, 7, 4), (5, 7)])
def test_arrays_lose_nothing(shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    assert np.array_equal(decoded(encoded(array)), array)


@pytest.mark.parametrize("array", [np.zeros((5, 7, 3)), np.zeros((3, 5, 7), np.uint8), np.zeros(9, np.uint8)])
def test_an_array_that_is_no_picture_is_refused_with_its_shape(array: np.ndarray) -> None:
    with pytest.raises(PhotoError, match=f"{array.dtype} of shape .* is no photo") as raised:
        encoded(array)
    assert raised.value.reason == "ARRAY_INVALID"


def test_a_missing_file_is_a_fault_of_the_photo(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="can't be read: No such file") as raised:
        encoded(tmp_path / "none.jpg")
    assert raised.value.reason == "FILE_UNREADABLE"


def test_what_can_be_no_photo_is_a_mistake_of_the_program() -> None:
    with pytest.raises(TypeError, match="not int"):
        encoded(7)  # type: ignore[arg-type]
