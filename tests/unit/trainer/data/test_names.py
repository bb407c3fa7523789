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
def test_different_spellings_of_a_folder_give_the_same_label(folder: str, label: str) -> None:
    assert label_of(folder) == label


def test_known_fruits_have_french_names() -> None:
    assert dict(class_info("pineapple", {}).display_names) == {"en": "pineapple", "fr": "ananas"}


def test_an_unknown_class_is_named_after_its_label() -> None:
    assert dict(class_info("golden_delicious", {}).display_names) == {"en": "golden delicious"}


def test_names_in_the_data_folder_take_precedence(tmp_path: Path) -> None:
    (tmp_path / "classes.json").write_text('{"Apple": {"en": "Boskoop", "fr": "Belle de Boskoop"}}', encoding="utf-8")
    names = read_own_names(tmp_path)
    assert dict(class_info("apple", names).display_names) == {"en": "Boskoop", "fr": "Belle de Boskoop"}


@pytest.mark.parametrize("text", ["{", '["apple"]', '{"apple": "Boskoop"}'])
def test_malformed_names_are_refused_with_an_explanation(tmp_path: Path, text: str) -> None:
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
def test_negatives_are_grouped_by_the_first_letters_of_their_file_names(name: str, group: str) -> None:
    assert group_of(Path("folder") / name) == group
