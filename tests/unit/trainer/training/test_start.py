"""What a run compares remembered negatives with."""

from pathlib import Path

from trainer.data.dataset import DataFolders, Dataset, Picture
from trainer.training.start import MAX_COMPARED_PICTURES, pictures_to_compare


def pictures(label: str, count: int) -> list[Picture]:
    return [Picture(Path(f"{label}{number}.jpg"), label, f"{number:064x}", number) for number in range(count)]


def test_a_class_whose_only_picture_is_for_validation_is_compared_by_that() -> None:
    train, validation = pictures("apple", MAX_COMPARED_PICTURES + 1), [*pictures("apple", 1), *pictures("kiwi", 1)]
    dataset = Dataset(DataFolders(Path()), ["apple", "kiwi"], train, validation, [], [], [], {}, [], [], [], {}, [])
    assert pictures_to_compare(dataset, "apple") == train[:MAX_COMPARED_PICTURES]
    assert pictures_to_compare(dataset, "kiwi") == pictures("kiwi", 1)
