"""Copies of pictures in a temporary file."""

from pathlib import Path

import numpy as np
import pytest

from tests.support.trainer.shapes import write_parts
from tests.support.trainer.training import load
from trainer.data.pictures import read_pixels
from trainer.data.preprocessing import mobilenet_preprocessing
from trainer.views.store import SIDE_PIXELS, PictureStore


def test_it_returns_each_picture_as_serving_would_resize_it(tmp_path: Path) -> None:
    pictures = load(write_parts(tmp_path / "data", 4, 2)).train
    seen: list[tuple[int, int]] = []
    twice = [*pictures, pictures[0]]
    store = PictureStore(twice, mobilenet_preprocessing(), tmp_path / "home", 2, lambda *done: seen.append(done))
    spec = mobilenet_preprocessing(SIDE_PIXELS)
    for number, picture in enumerate(twice):
        assert np.array_equal(np.asarray(store.open(number)), read_pixels(picture.path, spec))
    assert seen[-1] == (len(pictures), len(pictures))  # the one that is listed twice is stored once
    assert list((tmp_path / "home").iterdir()) == []  # the file has no name, so nothing is left of a killed run


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    pictures = load(write_parts(tmp_path / "data", 4, 2)).train
    (tmp_path / "file").write_text("where a folder should be")
    with pytest.raises(OSError, match="file"):
        PictureStore(pictures, mobilenet_preprocessing(), tmp_path / "file", 2, lambda *_: None)
