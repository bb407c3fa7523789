"""Labels and display names of classes."""

from pathlib import Path

import pytest

from trainer.data.names import class_info, group_of, label_of, read_own_names
from trainer.errors import DatasetInvalid


@pytest.mark.parametrize(
    ("folder", "label"),
    [
        ("apple", "apple"),
        ("Apple", "apple"),
        (" Golden  Delicious ", "golden_delicious"),
        ("golden-delicious", "golden_delicious"),
        ("pinenapple", "pineapple"),
        ("strawberries", "strawberry"),
        ("stawberries", "strawberry"),
    ],
)
def test_labels_are_the_same_however_a_folder_is_spelled(folder: str, label: str) -> None:
    assert label_of(folder) == label


def test_known_fruits_have_french_names() -> None:
    assert dict(class_info("pineapple", {}).display_names) == {"en": "pineapple", "fr": "ananas"}


def test_an_unknown_class_is_called_by_its_label() -> None:
    assert dict(class_info("golden_delicious", {}).display_names) == {"en": "golden delicious"}


def test_names_of_ones_own_come_first(tmp_path: Path) -> None:
    (tmp_path / "classes.json").write_text('{"Apple": {"en": "Boskoop", "fr": "Belle de Boskoop"}}', encoding="utf-8")
    names = read_own_names(tmp_path)
    assert dict(class_info("apple", names).display_names) == {"en": "Boskoop", "fr": "Belle de Boskoop"}


@pytest.mark.parametrize("text", ["{", '["apple"]', '{"apple": "Boskoop"}'])
def test_names_of_another_form_are_explained(tmp_path: Path, text: str) -> None:
    (tmp_path / "classes.json").write_text(text, encoding="utf-8")
    with pytest.raises(DatasetInvalid, match=r"classes\.json can't be read") as caught:
        read_own_names(tmp_path)
    assert caught.value.reason == "DATA_NAMES_INVALID"


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("animal_1.jpg", "animal"),
        ("Dog12.png", "dog"),
        ("IMG_2031 (1).JPG", "img"),
        ("2031.jpg", "others"),
        ("été-3.jpg", "été"),
    ],
)
def test_negatives_are_grouped_by_the_letters_that_their_names_begin_with(name: str, group: str) -> None:
    assert group_of(Path("folder") / name) == group
