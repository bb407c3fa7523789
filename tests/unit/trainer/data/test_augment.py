"""Random views of pictures."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.photo.decoding import resize
from tests.support.photos import scene
from tests.support.trainer.shapes import shape
from trainer.data.augment import GENTLE, STRONG, Augmentation, mix_up, random_view
from trainer.data.preprocessing import mobilenet_preprocessing

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
        {"uneven_chance": 1, "uneven": 0.3},
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


def test_mixed_pictures_have_mixed_targets() -> None:
    inputs = np.arange(4, dtype=np.float32).reshape(4, 1, 1, 1) * np.ones((4, 2, 2, 3), np.float32)
    targets = np.eye(4, dtype=np.float32)
    mixed, blended = mix_up(inputs, targets, 0.4, np.random.default_rng(1))
    assert np.allclose(blended.sum(axis=1), 1)
    assert (np.diag(blended) >= 0.5).all()  # each stays mostly what it was
    assert (blended > 0).sum() > 4  # and something else as well
    assert np.allclose(mixed[:, 0, 0, 0], blended @ np.arange(4))  # pictures and targets are mixed alike
    assert mixed.dtype == blended.dtype == np.float32
