"""What is said about data sets of few pictures."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from trainer.data.dataset import DataFolders, Dataset, Picture
from trainer.data.few import can_be_calibrated_on_validation, problems_of_few


def dataset(train: Mapping[str, int], validation: int) -> Dataset:
    pictures = [Picture(Path("x.png"), label, "", 0) for label, count in train.items() for _ in range(count)]
    empty = Dataset(DataFolders(Path()), list(train), pictures, [], [], [], [], {}, [], [], [], {}, [])
    return replace(empty, validation=pictures[:1] * validation)


def test_enough_pictures_are_no_problem() -> None:
    assert not [*problems_of_few(dataset({"rose": 50, "tulip": 300}, validation=99), fine_tune=False)]
    assert not [*problems_of_few(dataset({"rose": 50, "tulip": 300}, validation=100), fine_tune=True)]


def test_the_class_of_fewest_pictures_is_named() -> None:
    (problem,) = problems_of_few(dataset({"rose": 80, "tulip": 26, "iris": 49}, validation=500), fine_tune=True)
    assert problem.startswith("There are only 26 pictures of tulip to learn from")


def test_fine_tuning_needs_validation_pictures() -> None:
    (problem,) = problems_of_few(dataset({"rose": 80, "tulip": 80}, validation=24), fine_tune=True)
    assert "only 24 validation pictures" in problem
    assert "without --fine-tune" in problem


@pytest.mark.parametrize(("count", "enough"), [(0, False), (99, False), (100, True)])
def test_a_hundred_validation_pictures_calibrate_a_version(count: int, enough: bool) -> None:
    assert can_be_calibrated_on_validation(dataset({"rose": 80}, count)) is enough
