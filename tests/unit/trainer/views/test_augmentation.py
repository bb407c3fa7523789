"""Random views of pictures."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from engine.photo.decoding import resize
from tests.support.pictures.photos import scene
from tests.support.trainer.shapes import shape
from trainer.data.preprocessing import mobilenet_preprocessing
from trainer.views.augmentation import GENTLE, STRONG, Augmentation, random_view

SPEC = mobilenet_preprocessing(64)
NOTHING = Augmentation()


def view(augmentation: Augmentation, seed: int) -> NDArray[np.uint8]:
    return random_view(scene(), SPEC, augmentation, np.random.default_rng(seed))


@pytest.mark.parametrize("augmentation", [GENTLE, STRONG])
def test_a_view_follows_from_its_seed(augmentation: Augmentation) -> None:
    views = [view(augmentation, seed) for seed in range(8)]
    assert all(one.shape == (64, 64, 3) and one.dtype == np.uint8 for one in views)
    assert all(np.array_equal(one, view(augmentation, seed)) for seed, one in enumerate(views))
    assert len({one.tobytes() for one in views}) == 8


def test_without_changes_a_view_is_the_picture_or_its_mirror_image() -> None:
    plain = np.asarray(resize(scene(), SPEC))
    seen = {view(NOTHING, seed).tobytes() for seed in range(20)}
    assert seen == {plain.tobytes(), plain[:, ::-1].tobytes()}


def test_crops_show_a_part_of_the_picture() -> None:
    plain = np.asarray(resize(scene(), SPEC)).astype(int)
    whole = [np.abs(view(NOTHING, seed).astype(int) - plain).mean() for seed in range(10)]
    parts = [np.abs(view(replace(NOTHING, min_area=0.2), seed).astype(int) - plain).mean() for seed in range(10)]
    assert min(whole) == 0
    assert min(parts) > 1


def test_grey_views_have_no_colour() -> None:
    grey = view(replace(NOTHING, grey_chance=1), 0).astype(int)
    assert np.ptp(grey, axis=-1).max() <= 1
    assert grey.std() > 10


def test_light_changes_the_brightness() -> None:
    means = [view(replace(NOTHING, light=0.5), seed).mean() for seed in range(20)]
    plain = view(NOTHING, 0).mean()
    assert min(means) < plain - 10
    assert max(means) > plain + 10


@pytest.mark.parametrize(
    "change",
    [
        {"max_stretch": 2},
        {"far_chance": 1},
        {"rotate_chance": 1, "max_degrees": 20},
        {"saturation": 0.5},
        {"tint": 0.2},
        {"coarse_chance": 1},
        {"blur_chance": 1},
        {"noise_chance": 1},
        {"cutout_chance": 1},
        {"paint_chance": 1},
    ],
)
def test_each_augmentation_changes_the_view(change: dict[str, float]) -> None:
    unchanged = {view(NOTHING, seed).tobytes() for seed in range(20)}
    assert all(view(replace(NOTHING, **change), seed).tobytes() not in unchanged for seed in range(5))


@pytest.mark.parametrize("seed", range(6))
def test_painted_views_lose_their_texture_but_not_their_shapes(seed: int) -> None:
    """The picture is a red circle on a noisy background, at its original size."""
    painted = random_view(shape("red_circle", 3), SPEC, replace(NOTHING, paint_chance=1), np.random.default_rng(seed))
    rough = random_view(shape("red_circle", 3), SPEC, NOTHING, np.random.default_rng(seed)).astype(float)
    red = (rough[..., 0] > 180) & (rough[..., 1] < 60)
    inside, ground = painted[red].astype(float), painted[~red].astype(float)
    steps = [np.abs(np.diff(view.astype(float).mean(axis=-1), axis=1)).mean() for view in (painted, rough)]
    assert steps[0] < 0.8 * steps[1]
    assert np.linalg.norm(inside.mean(axis=0) - ground.mean(axis=0)) > 100


def test_some_views_show_the_whole_picture_and_some_a_part() -> None:
    plain = np.asarray(resize(scene(), SPEC))
    whole = {plain.tobytes(), plain[:, ::-1].tobytes()}
    sometimes = replace(NOTHING, min_area=0.2, whole_chance=0.5)
    shown = [view(sometimes, seed).tobytes() in whole for seed in range(40)]
    assert 8 < sum(shown) < 32


def test_shelves_show_other_pictures_of_the_class() -> None:
    """All pictures are of one colour each, so the view shows which of them are on the shelf."""
    own, other = (Image.new("RGB", (80, 60), colour) for colour in ("#ff0000", "#0000ff"))
    shown = []
    for seed in range(20):
        random = np.random.default_rng(seed)
        seen = random_view(own, SPEC, replace(NOTHING, shelf_chance=1), random, lambda: [other])
        shown.append({int(channel) for channel in np.unique(seen.reshape(-1, 3).argmax(axis=1))})
    assert {0} in shown  # the same crop in all cells
    assert any({0, 2} <= colours for colours in shown)


def test_halved_views_vary_half_as_often() -> None:
    half = STRONG.halved(min_area=0.4)
    assert (half.min_area, half.whole_chance, half.max_degrees) == (0.4, STRONG.whole_chance, STRONG.max_degrees)
    assert half.paint_chance == STRONG.paint_chance / 2
    assert half.light == STRONG.light / 2
