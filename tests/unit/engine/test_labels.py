"""What the name of a folder, or what a person typed, means to a model."""

import pytest

from engine.labels import can_name_a_folder, label_of


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


@pytest.mark.parametrize("label", ["", ".", "..", "../up", "a/b", "a\\b", "a:b", "a\0b", "what?"])
def test_a_label_that_leads_out_of_its_folder_names_none(label: str) -> None:
    assert not can_name_a_folder(label)


@pytest.mark.parametrize("label", ["kiwi", "golden_delicious", "crème_brûlée", "a.b", "(none)", "西瓜"])
def test_other_labels_may_name_a_folder(label: str) -> None:
    assert can_name_a_folder(label)
