"""The order and the seeds of an epoch's views."""

from collections import Counter

import numpy as np
from PIL import Image

from tests.support.trainer.shapes import shape
from trainer.data.preprocessing import mobilenet_preprocessing
from trainer.views.album import SYNTHETIC, Album
from trainer.views.augmentation import STRONG, Augmentation

TARGETS = np.arange(50) // 5
SPEC = mobilenet_preprocessing(32)


def open_shape(number: int) -> Image.Image:
    return shape("red_circle", number)


ALBUM = Album(open_shape, TARGETS, synthetic=(4, 10))


def test_an_epoch_shows_every_picture_once_with_its_own_target_and_synthetic_negatives() -> None:
    views = ALBUM.views((0, 1, 2))
    assert len(views) == len(ALBUM) == 54
    shown = Counter((view.picture, view.target) for view in views)
    assert shown == {**{(number, number // 5): 1 for number in range(50)}, (SYNTHETIC, 10): 4}


def test_each_epoch_has_its_own_order_and_seeds() -> None:
    first, again, next_one = (ALBUM.views((0, 1, epoch)) for epoch in (2, 2, 3))
    assert first == again
    assert [view.picture for view in first] != [view.picture for view in next_one]
    assert not {view.seed for view in first} & {view.seed for view in next_one}
    assert len({view.seed for view in first}) == 54


def test_the_pixels_of_a_view_depend_on_its_seed_only() -> None:
    views = ALBUM.views((0, 1, 2))
    made = [ALBUM.pixels(view, SPEC, STRONG) for view in views]
    again = [Album(open_shape, TARGETS, (4, 10)).pixels(view, SPEC, STRONG) for view in reversed(views)]
    assert all(np.array_equal(one, same) for one, same in zip(made, reversed(again), strict=True))
    assert len({pixels.tobytes() for pixels in made}) == 54


def test_a_shelf_shows_pictures_of_the_same_class_only() -> None:
    opened: list[int] = []

    def opening(number: int) -> Image.Image:
        opened.append(number)
        return open_shape(number)

    album = Album(opening, TARGETS, synthetic=(0, 0))
    for view in album.views((7,)):
        opened.clear()
        album.pixels(view, SPEC, Augmentation(shelf_chance=1))
        assert {number // 5 for number in opened} == {view.target}
