"""Looks of photos: near duplicates share a part of theirs, by which the database finds them."""

import io

import pytest
from PIL import Image, ImageEnhance

from engine.photo.alike import MAX_DISTANCE_BITS, perceptual_hash
from services.collection.records.grouping import BANDS, bands_of
from tests.support.pictures.photos import patches


def hashed(picture: Image.Image) -> int:
    look = perceptual_hash(picture)
    assert look is not None
    return look


def recompressed(picture: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    picture.resize((picture.width // 2, picture.height // 2)).save(buffer, "JPEG", quality=40)
    return Image.open(buffer)


@pytest.mark.parametrize("seed", range(5))
def test_copies_share_a_part_and_other_photos_are_far_away(seed: int) -> None:
    picture = patches(seed=seed)
    for copy in (recompressed(picture), ImageEnhance.Brightness(picture).enhance(0.8)):
        assert (hashed(picture) ^ hashed(copy)).bit_count() <= MAX_DISTANCE_BITS
        assert any(one == other for one, other in zip(bands_of(hashed(picture)), bands_of(hashed(copy)), strict=True))
    assert (hashed(picture) ^ hashed(patches(seed=seed + 100))).bit_count() > MAX_DISTANCE_BITS


def test_hashes_that_differ_in_few_bits_share_a_part_wherever_these_are() -> None:
    look = 0x0123456789ABCDEF
    changed = look
    for band in range(MAX_DISTANCE_BITS):  # one bit in every part but the last
        changed ^= 1 << (64 * band // BANDS)
    assert (look ^ changed).bit_count() == MAX_DISTANCE_BITS
    assert sum(one == other for one, other in zip(bands_of(look), bands_of(changed), strict=True)) == 1


def test_the_parts_contain_all_bits() -> None:
    assert sum(bits.bit_count() for bits in bands_of(2**64 - 1)) == 64
