from itertools import product

import numpy as np
import pytest
from PIL import Image
from PIL.Image import Resampling, Transpose

from engine.photo import bands
from engine.photo.bands import resize_in_bands
from engine.photo.decoding import FILTERS

SIZES = [
    (500, 333),
    (333, 500),
    (300, 1200),
    (1200, 90),
    (100, 3000),
    (3000, 100),
    (224, 700),
    (700, 224),
    (240, 258),
    (240, 260),
]


def picture(size: tuple[int, int]) -> Image.Image:
    return Image.fromarray(np.random.default_rng(size).integers(0, 256, (size[1], size[0], 4), np.uint8))


def on_white(image: Image.Image) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


@pytest.fixture(autouse=True)
def narrow_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bands, "MAX_BAND_PIXELS", 9000)


@pytest.mark.parametrize("resampling", FILTERS.values())
@pytest.mark.parametrize("size", SIZES)
def test_bands_give_the_pixels_of_the_whole_picture(size: tuple[int, int], resampling: Resampling) -> None:
    image = picture(size)
    for target in ((224, 224), (96, 160)):
        whole = on_white(image).resize(target, resampling)
        assert resize_in_bands(image, on_white, None, target, resampling).tobytes() == whole.tobytes()


@pytest.mark.parametrize(("transpose", "size"), list(product(Transpose, [(70, 50), (50, 170)])))
def test_a_rotated_picture_is_turned_upright(transpose: Transpose, size: tuple[int, int]) -> None:
    image = picture(size)
    whole = on_white(image.transpose(transpose)).resize((32, 32), Resampling.BILINEAR)
    assert resize_in_bands(image, on_white, transpose, (32, 32), Resampling.BILINEAR).tobytes() == whole.tobytes()
