"""Labels and display names of classes."""

from pathlib import Path

import pytest

from trainer.data.names import (
    MAX_GROUPS_OF_A_FOLDER,
    MIN_PICTURES_OF_A_PART,
    class_info,
    group_of,
    groups_of,
    kind_of,
    parts_of,
    read_own_names,
)
from trainer.errors import DatasetInvalid


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
        ("other_fruit_pear_1.jpg", "pear"),  # its folder is named, too
        ("Fruit 12.jpg", "others"),
    ],
)
def test_pictures_are_grouped_by_the_first_word_of_their_file_names(name: str, group: str) -> None:
    assert group_of(Path("data") / "Other fruit" / name) == group


def test_a_kind_of_negative_is_its_folder_and_its_group() -> None:
    assert kind_of(Path("shop") / "Other fruit" / "Pear_12.jpg") == "other_fruit/pear"
    assert kind_of(Path("shop") / "12.jpg") == "shop/others"


def test_a_folder_of_many_kinds_of_negatives_is_evaluated_as_one_group() -> None:
    few = [f"home/{name}" for name in ("dog", "cat", "dog")]
    many = [f"shop/{chr(97 + number)}" for number in range(MAX_GROUPS_OF_A_FOLDER + 1)]
    assert groups_of([*few, *many]) == ["dog", "cat", "dog", *["shop"] * len(many)]
    assert groups_of(many[1:]) == [kind[-1] for kind in many[1:]]
    assert groups_of(["animal", "thing"]) == ["animal", "thing"]  # as versions before kinds remember them


def test_large_groups_of_a_collection_are_evaluated_apart() -> None:
    shelf = [Path("apple") / f"apple_shelf_{number}.jpg" for number in range(MIN_PICTURES_OF_A_PART)]
    few = [Path("kiwi") / "kiwi_phone_1.jpg", Path("kiwi") / "1.jpg"]
    assert parts_of("field", [*shelf, *few]) == [*["field/shelf"] * len(shelf), "field", "field"]
    assert parts_of("field", shelf) == ["field"] * len(shelf)  # nothing to tell it from
    assert parts_of("field", shelf[1:] + few) == ["field"] * (len(shelf) + 1)
