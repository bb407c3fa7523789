"""Detection of copies of a photo."""

import io
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from engine.photo.alike import MAX_DISTANCE_BITS, perceptual_hash
from tests.support.pictures.photos import encoded, plain
from trainer.data.duplicates import nearest, photos_of


def photo(seed: int) -> Image.Image:
    """Returns random structure whose contrast falls with its size, as in photographs."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (400, 300))
    for cells, share in ((4, 1.0), (8, 0.4), (16, 0.2), (400, 0.1)):
        layer = Image.fromarray(random.integers(0, 256, (cells * 3 // 4, cells, 3), dtype=np.uint8))
        image = Image.blend(image, layer.resize(image.size, Image.Resampling.BICUBIC), share)
    return image


def hash_of(image: Image.Image) -> int:
    found = perceptual_hash(image)
    assert found is not None
    return found


def compressed(image: Image.Image, quality: int) -> Image.Image:
    return Image.open(io.BytesIO(encoded(image, "JPEG", quality=quality)))


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "rescaled": lambda image: image.resize((173, 121), Image.Resampling.LANCZOS),
    "stretched": lambda image: image.resize((224, 224)),
    "recompressed": lambda image: compressed(image, 30),
    "grey": lambda image: image.convert("L"),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.1),
    "cropped": lambda image: image.crop((3, 2, 397, 298)),
    "small and of low quality": lambda image: compressed(image.resize((100, 75)), 50),
}


@pytest.mark.parametrize("change", COPIES.values(), ids=COPIES)
def test_a_copy_is_found_among_others(change: Callable[[Image.Image], Image.Image]) -> None:
    pool = [hash_of(photo(seed)) for seed in range(60)]
    copies = [hash_of(change(photo(seed))) for seed in range(0, 60, 5)]
    assert nearest(copies, pool) == list(range(0, 60, 5))


def test_different_photos_have_no_nearest_hash() -> None:
    first, second = ([hash_of(photo(seed)) for seed in seeds] for seeds in (range(200), range(200, 400)))
    assert nearest(first, second) == [None] * 200


def test_a_blank_picture_has_no_hash() -> None:
    assert perceptual_hash(plain()) is None
    assert perceptual_hash(compressed(plain(size=(200, 100)), 20)) is None


def test_the_nearest_hash_within_the_limit_is_found() -> None:
    far, near, nothing = (2 ** (MAX_DISTANCE_BITS + 1) - 1), 1, 2**63
    assert nearest([0], [far]) == [None]
    assert nearest([0], [far >> 1, near]) == [1]
    assert nearest([nothing], [nothing, 0]) == [0]
    assert nearest([1, 2], []) == [None, None]
    assert nearest([], [1]) == []


def test_memory_does_not_grow_with_the_number_of_pairs() -> None:
    """A matrix of all distances would take 50 MB."""
    pool = np.random.default_rng(0).integers(0, 2**63, 50_000).tolist()
    tracemalloc.start()
    try:
        assert nearest(pool[:1000], pool) == list(range(1000))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000


def test_pictures_of_a_photo_share_a_number() -> None:
    rose, tulip = hash_of(photo(1)), hash_of(photo(2))
    almost, other = rose ^ (2**MAX_DISTANCE_BITS - 1), rose ^ (2 * 2**MAX_DISTANCE_BITS - 1) << 20
    assert photos_of([tulip, rose, almost, tulip, other, rose]) == [0, 1, 1, 0, 4, 1]
    assert photos_of([]) == []
