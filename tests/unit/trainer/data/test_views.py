"""The order and the seeds of an epoch's views."""

from pathlib import Path

import numpy as np

from tests.support.trainer.shapes import shape
from trainer.data.augment import STRONG
from trainer.data.dataset import Picture
from trainer.data.preprocessing import mobilenet_preprocessing
from trainer.data.views import View, shuffled_views

PICTURES = [Picture(Path(f"{number}.png"), "apple", str(number), 0) for number in range(50)]
TARGETS = np.arange(50)


def test_an_epoch_shows_every_picture_once_with_its_own_target() -> None:
    views = shuffled_views(PICTURES, TARGETS, (0, 1, 2))
    assert sorted(view.target for view in views) == list(range(50))
    assert all(view.picture is PICTURES[view.target] for view in views)


def test_each_epoch_has_its_own_order_and_seeds() -> None:
    first, again, next_one = (shuffled_views(PICTURES, TARGETS, (0, 1, epoch)) for epoch in (2, 2, 3))
    assert first == again
    assert [view.target for view in first] != [view.target for view in next_one]
    assert not {view.seed for view in first} & {view.seed for view in next_one}
    assert len({view.seed for view in first}) == 50


def test_a_view_of_a_file_depends_on_its_seed_only(tmp_path: Path) -> None:
    shape("red_circle", 1).save(tmp_path / "1.png")
    picture, spec = Picture(tmp_path / "1.png", "red_circle", "", 0), mobilenet_preprocessing(32)
    one, same, other = (View(picture, 0, seed).pixels(spec, STRONG) for seed in ((1, 2), (1, 2), (1, 3)))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
