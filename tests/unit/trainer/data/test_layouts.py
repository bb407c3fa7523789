"""Which folder holds which class and part, as people's folders really look."""

import os
import unicodedata
from pathlib import Path

import pytest

from tests.support.trainer.shapes import LABELS, shape, write_parts, write_shapes
from tests.support.trainer.training import load
from trainer.data.folders import find_parts
from trainer.errors import DatasetInvalid


def test_train_and_test_folders_are_parts(tmp_path: Path) -> None:
    dataset = load(write_parts(tmp_path, train=20, test=5))
    assert tuple(dataset.labels) == LABELS
    assert len(dataset.train) + len(dataset.validation) == 60
    assert len(dataset.test) == 15
    assert all("test" in picture.path.parts for picture in dataset.test)


def test_the_original_kaggle_layout_loads(tmp_path: Path) -> None:
    root = tmp_path / "archive" / "MY_data"
    red, green = "red_circle", "green_square"
    write_shapes(root / "train", 20, (red, green), named={red: "Apple", green: "pinenapple"})
    write_shapes(root / "train", 20, ("blue_bar",), named={"blue_bar": "strawberries"})
    write_shapes(root / "test", 4, (red, green), first=1000, named={red: "apple", green: "pinenapple"})
    write_shapes(root / "test", 4, ("blue_bar",), first=1000, named={"blue_bar": "stawberries"})
    (root / "predict").mkdir()
    shape(red, 77).save(root / "predict" / "1.jpeg", "PNG")
    shape(red, 78).save(root / "train" / "Apple" / "img_1.jpeg", "PNG")
    shape(red, 79).convert("P").save(root / "test" / "apple" / "img_1.jpeg", "GIF")
    dataset = load(tmp_path / "archive")
    assert list(dataset.labels) == ["apple", "pineapple", "strawberry"]
    assert len(dataset.train) + len(dataset.validation) == 61
    assert "apple/img_1.jpeg" in {picture.short_name for picture in dataset.test}
    assert dataset.unreadable == []


def test_two_spellings_in_one_part_are_one_class(tmp_path: Path) -> None:
    write_parts(tmp_path)
    write_shapes(tmp_path / "train", 3, ("red_circle",), first=500, named={"red_circle": "Red Circle"})
    dataset = load(tmp_path)
    assert tuple(dataset.labels) == LABELS
    assert len(dataset.train) + len(dataset.validation) == 3 * 24 + 3


def test_other_layouts_are_refused_with_an_explanation(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid, match="There is no folder") as caught:
        load(tmp_path / "nowhere")
    assert caught.value.reason == "DATA_NOT_FOUND"
    with pytest.raises(DatasetInvalid, match="holds no class folders") as caught:
        load(tmp_path)
    assert caught.value.reason == "DATA_NO_CLASSES"
    with pytest.raises(DatasetInvalid, match="one class, red_circle") as caught:
        load(write_shapes(tmp_path / "one", 3, ("red_circle",)))
    assert caught.value.reason == "DATA_ONE_CLASS"
    write_shapes(tmp_path / "half" / "train", 3)
    with pytest.raises(DatasetInvalid, match="no test folder") as caught:
        load(tmp_path / "half")
    assert caught.value.reason == "DATA_PART_MISSING"


def test_parts_of_different_classes_are_refused_with_an_explanation(tmp_path: Path) -> None:
    write_shapes(tmp_path / "train", 3)
    write_shapes(tmp_path / "test", 3, ("red_circle", "blue_bar"))
    (tmp_path / "test" / "pear").mkdir()
    with pytest.raises(DatasetInvalid, match="green_square only in train and pear only in test") as caught:
        load(tmp_path)
    assert caught.value.reason == "DATA_CLASSES_DIFFER"


def write_named_parts(root: Path, *names: str) -> Path:
    """Writes parts of the names, without common pictures: 12 pictures of each class in the first, 3 in the others."""
    for number, name in enumerate(names):
        write_shapes(root / name, 3 if number else 12, first=1000 * number)
    return root


def refusal(root: Path) -> DatasetInvalid:
    with pytest.raises(DatasetInvalid) as caught:
        load(root)
    return caught.value


@pytest.mark.parametrize(
    "names",
    [
        ("Train", "Test"),
        ("TRAIN", "TEST"),
        ("training", "testing"),
        ("Training", "Test"),
        ("train_set", "test_set"),
        ("training-set", "test-set"),
        ("Train data", "Test data"),
        ("Entrai\u0302nement", "tests"),
    ],
)
def test_parts_have_their_usual_names_in_any_case(tmp_path: Path, names: tuple[str, str]) -> None:
    dataset = load(write_named_parts(tmp_path, *names))
    assert tuple(dataset.labels) == LABELS
    assert len(dataset.train) + len(dataset.validation) == 3 * 12
    assert len(dataset.test) == 3 * 3


@pytest.mark.parametrize("name", ["val", "Valid", "validation"])
def test_a_validation_part_validates_instead_of_training_pictures(tmp_path: Path, name: str) -> None:
    dataset = load(write_named_parts(tmp_path, "train", name, "test"))
    assert len(dataset.train) == 3 * 12
    assert {picture.path.parts[-3] for picture in dataset.validation} == {name}
    assert {picture.path.parts[-3] for picture in dataset.test} == {"test"}
    assert dataset.notes == []


def test_a_test_picture_that_validates_is_left_out(tmp_path: Path) -> None:
    write_named_parts(tmp_path, "train", "val", "test")
    shape("red_circle", 1002).save(tmp_path / "test" / "red_circle" / "copy.png")
    assert [pair.test.path.name for pair in load(tmp_path).overlap] == ["copy.png"]


def test_without_a_test_part_the_validation_part_tests_and_people_are_told(tmp_path: Path) -> None:
    dataset = load(write_named_parts(tmp_path, "training", "validation"))
    assert {picture.path.parts[-3] for picture in dataset.test} == {"validation"}
    assert {picture.path.parts[-3] for picture in dataset.validation} == {"training"}
    assert dataset.notes == [f"There is no test folder; {tmp_path / 'validation'} is used for testing."]


def test_parts_are_never_taken_for_classes(tmp_path: Path) -> None:
    for case, names in enumerate((("seg_train", "seg_test", "seg_pred"), ("fruits training", "fruits validation"))):
        for name in names:
            write_shapes(tmp_path / str(case) / name, 2)
        error = refusal(tmp_path / str(case))
        assert error.reason == "DATA_PARTS_UNCLEAR"
        assert "look like parts of a data set" in str(error)


def test_parts_without_class_folders_are_refused(tmp_path: Path) -> None:
    for name in ("train", "test"):
        (tmp_path / name).mkdir()
        shape("red_circle", 1).save(tmp_path / name / "1.png")
    assert refusal(tmp_path).reason == "DATA_PARTS_UNCLEAR"


def test_a_class_may_be_named_like_a_part(tmp_path: Path) -> None:
    write_shapes(tmp_path, 4, named={"blue_bar": "train", "red_circle": "bus", "green_square": "car"})
    assert list(load(tmp_path).labels) == ["bus", "car", "train"]


def test_a_part_without_a_training_part_is_refused(tmp_path: Path) -> None:
    error = refusal(write_named_parts(tmp_path, "test"))
    assert (error.reason, "has no train folder beside test" in str(error)) == ("DATA_PART_MISSING", True)


@pytest.mark.parametrize("wrappers", ["fruits", "archive/fruits", "a/b/fruits"])
def test_classes_may_lie_some_folders_further_down(tmp_path: Path, wrappers: str) -> None:
    write_shapes(tmp_path / wrappers, 4)
    dataset = load(tmp_path)
    assert tuple(dataset.labels) == LABELS
    assert dataset.notes == [f"The classes are read from {tmp_path / wrappers}."]


def test_parts_may_lie_some_folders_further_down_and_wrap_their_classes(tmp_path: Path) -> None:
    write_shapes(tmp_path / "archive" / "v2" / "training_set" / "training_set", 4)
    write_shapes(tmp_path / "archive" / "v2" / "test_set" / "test_set", 2, first=1000)
    assert tuple(load(tmp_path).labels) == LABELS


def test_a_lone_class_with_pictures_of_its_own_is_no_wrapper(tmp_path: Path) -> None:
    write_shapes(tmp_path / "apple", 2)
    shape("red_circle", 1).save(tmp_path / "apple" / "1.png")
    assert "holds one class, apple" in str(refusal(tmp_path))


def test_what_systems_put_beside_pictures_is_ignored(tmp_path: Path) -> None:
    write_shapes(tmp_path / "fruits", 4)
    for litter in ("__MACOSX/fruits", ".hidden", "$RECYCLE.BIN", "System Volume Information", "#recycle"):
        write_shapes(tmp_path / litter, 2, first=500)
    for litter in ("@eaDir/0.png", ".thumbnails", ".ipynb_checkpoints"):
        folder = tmp_path / "fruits" / "red_circle" / litter
        folder.mkdir(parents=True)
        shape("blue_bar", 600).save(folder / "SYNOPHOTO_THUMB_M.jpg")
    for name in ("Thumbs.db", "desktop.ini", "._0.png"):
        (tmp_path / "fruits" / "blue_bar" / name).write_bytes(b"litter")
    dataset = load(tmp_path)
    assert tuple(dataset.labels) == LABELS
    assert len(dataset.train) + len(dataset.validation) + len(dataset.test) == 3 * 4
    assert dataset.unreadable == []


def test_two_unicode_forms_of_one_name_are_one_class(tmp_path: Path) -> None:
    names = dict(zip(LABELS, ("café", "pâté", "İzmir"), strict=True))
    composed, decomposed = ({k: unicodedata.normalize(form, v) for k, v in names.items()} for form in ("NFC", "NFD"))
    write_shapes(tmp_path / "train", 4, named=composed)
    write_shapes(tmp_path / "test", 2, first=1000, named=decomposed)
    (tmp_path / "classes.json").write_text(f'{{"{decomposed["blue_bar"]}": {{"en": "coffee"}}}}', encoding="utf-8")
    dataset = load(tmp_path)
    assert len(dataset.labels) == 3
    assert all(unicodedata.is_normalized("NFC", label) for label in dataset.labels)
    assert dataset.own_names == {"café": {"en": "coffee"}}


@pytest.mark.parametrize("name", [b"caf\xe9", "\u3000".encode(), b"red\x1b[31m"])
def test_a_class_name_that_can_not_be_shown_is_refused(tmp_path: Path, name: bytes) -> None:
    write_shapes(tmp_path, 2)
    os.mkdir(os.path.join(os.fsencode(tmp_path), name))
    error = refusal(tmp_path)
    assert error.reason == "DATA_NAME_INVALID"
    assert str(error).isprintable()


def test_long_class_names_are_kept(tmp_path: Path) -> None:
    name = "é" * 127  # 254 bytes, as much as file systems hold
    write_shapes(tmp_path, 4, ("red_circle", "blue_bar"), named={"red_circle": name})
    assert list(load(tmp_path).labels) == ["blue_bar", name]


def test_a_folder_that_can_not_be_read_is_refused_with_an_explanation(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(DatasetInvalid, match="There is no folder"):
        find_parts(tmp_path / "loop")
