"""Processing many pictures in parallel."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.errors import ImageTruncated
from engine.photo.decoding import preprocess
from engine.photo.opening import Limits
from tests.support.pictures.photos import encoded, scene
from trainer.data.pictures import batches, map_in_threads, read_pixels
from trainer.data.preprocessing import mobilenet_preprocessing


def test_results_come_in_order_from_several_threads() -> None:
    threads: set[int] = set()

    def work(number: int) -> int:
        threads.add(threading.get_ident())
        time.sleep(0.01 if number % 2 else 0)
        return number * number

    assert list(map_in_threads(work, range(40), 4)) == [number * number for number in range(40)]
    assert len(threads) > 1


def test_the_number_of_results_computed_ahead_is_limited() -> None:
    begun: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(1000):
            begun.append(number)
            yield number

    results = map_in_threads(lambda number: number, numbers(), workers=2, ahead=3)
    assert [next(results) for _ in range(10)] == list(range(10))
    assert len(begun) <= 10 + 2 * 3
    results.close()  # type: ignore[attr-defined]  # a generator
    assert len(begun) <= 10 + 2 * 3


def test_an_error_reaches_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        list(map_in_threads(lambda number: 1 // number, [1, 0, 1], 2))


def test_batches_keep_the_order_and_the_remainder() -> None:
    assert list(batches(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(batches([], 3)) == []


def test_pixels_are_those_of_serving(tmp_path: Path) -> None:
    photo, spec = encoded(scene((1000, 700))), mobilenet_preprocessing()
    (tmp_path / "photo.jpg").write_bytes(photo)
    assert np.array_equal(read_pixels(tmp_path / "photo.jpg", spec), np.asarray(preprocess(photo, spec, Limits())))


def test_a_broken_file_raises_the_error_that_serving_answers_with(tmp_path: Path) -> None:
    (tmp_path / "cut.jpg").write_bytes(encoded(scene())[:2000])
    with pytest.raises(ImageTruncated):
        read_pixels(tmp_path / "cut.jpg", mobilenet_preprocessing())
