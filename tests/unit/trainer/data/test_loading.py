"""Folders of photos as data sets."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from tests.support.trainer.shapes import LABELS, write_parts, write_shapes
from tests.support.trainer.training import ignore_progress, load
from trainer.data.dataset import DataFolders, Picture, Unreadable, class_indices
from trainer.data.loading import load_dataset, load_test_part
from trainer.data.preprocessing import mobilenet_preprocessing
from trainer.errors import DatasetInvalid


def load_test(root: Path, labels: tuple[str, ...] = LABELS) -> tuple[list[Picture], list[Unreadable]]:
    part = load_test_part(root, labels, mobilenet_preprocessing(), 2, ignore_progress)
    return list(part.pictures), list(part.unreadable)


def names(pictures: object) -> set[str]:
    assert isinstance(pictures, list)
    return {f"{picture.label}/{picture.path.name}" for picture in pictures}


def test_validation_is_a_part_of_the_training_pictures(tmp_path: Path) -> None:
    dataset = load(write_parts(tmp_path, train=100, test=2))
    assert all("train" in picture.path.parts for picture in dataset.validation)
    assert not {p.digest for p in dataset.validation} & {p.digest for p in dataset.train}
    assert 25 < len(dataset.validation) < 65  # 15 % of 300


def test_plain_class_folders_are_split(tmp_path: Path) -> None:
    dataset = load(write_shapes(tmp_path, 100))
    parts = [{p.digest for p in part} for part in (dataset.train, dataset.validation, dataset.test)]
    assert sum(map(len, parts)) == len(set().union(*parts)) == 300
    assert 40 < len(dataset.test) < 80  # 20 %
    assert 20 < len(dataset.validation) < 55  # 15 % of the rest


def test_the_part_of_a_picture_does_not_depend_on_its_name_or_on_other_pictures(tmp_path: Path) -> None:
    before = load(write_shapes(tmp_path / "one", 40))
    other = write_shapes(tmp_path / "two", 60)
    for path in list(other.rglob("*.png")):
        path.rename(path.with_name(f"renamed-{path.name}"))
    after = load(other)
    for part in ("train", "validation", "test"):
        assert {p.digest for p in getattr(before, part)} <= {p.digest for p in getattr(after, part)}


def test_unreadable_files_are_named_and_left_out(tmp_path: Path) -> None:
    write_parts(tmp_path)
    home = tmp_path / "train" / "red_circle"
    whole = (home / "0.png").read_bytes()
    (home / "cut.png").write_bytes(whole[: len(whole) // 2])
    (home / "empty.jpg").write_bytes(b"")
    (home / "notes.txt").write_text("not a picture")
    (home / ".DS_Store").write_bytes(b"hidden")
    dataset = load(tmp_path)
    assert [file.path.name for file in dataset.unreadable] == ["cut.png", "empty.jpg", "notes.txt"]
    assert "end is missing" in dataset.unreadable[0].reason
    assert len(dataset.train) + len(dataset.validation) == 3 * 24


def test_progress_counts_every_file(tmp_path: Path) -> None:
    reported: list[tuple[int, int]] = []
    load_dataset(
        DataFolders(write_parts(tmp_path, 4, 2)),
        mobilenet_preprocessing(),
        2,
        lambda done, total: reported.append((done, total)),
    )
    assert reported == [(done, 18) for done in range(1, 19)]


def test_a_class_without_a_readable_picture_is_refused(tmp_path: Path) -> None:
    write_parts(tmp_path)
    for path in (tmp_path / "test" / "blue_bar").iterdir():
        path.write_bytes(b"broken")
    with pytest.raises(
        DatasetInvalid, match=r"No test picture is left for blue_bar.* 8 files could not be read"
    ) as caught:
        load(tmp_path)
    assert caught.value.reason == "DATA_CLASS_EMPTY"


def test_an_empty_class_folder_is_refused(tmp_path: Path) -> None:
    write_parts(tmp_path)
    shutil.rmtree(tmp_path / "train" / "red_circle")
    (tmp_path / "train" / "red_circle").mkdir()
    with pytest.raises(DatasetInvalid, match="No train picture is left for red_circle") as caught:
        load(tmp_path)
    assert caught.value.reason == "DATA_CLASS_EMPTY"


def test_the_digest_depends_on_content_and_not_on_file_names(tmp_path: Path) -> None:
    first = write_parts(tmp_path / "first", 6, 3)
    second = tmp_path / "second"
    shutil.copytree(first, second)
    (second / "train" / "red_circle" / "0.png").rename(second / "train" / "red_circle" / "zzz.jpg")
    assert load(first).digest == load(second).digest


@pytest.mark.parametrize("target", ["train/blue_bar/0.png", "test/red_circle/0.png"])
def test_the_digest_depends_on_label_and_part(tmp_path: Path, target: str) -> None:
    write_parts(tmp_path, 6, 3)
    before = load(tmp_path).digest
    shutil.move(tmp_path / "train" / "red_circle" / "0.png", tmp_path / target.replace("0.png", "moved.png"))
    assert load(tmp_path).digest != before


def test_the_test_part_does_not_report_broken_training_files(tmp_path: Path) -> None:
    write_parts(tmp_path)
    (tmp_path / "train" / "red_circle" / "0.png").write_bytes(b"broken")
    pictures, unreadable = load_test(tmp_path)
    assert len(pictures) == 24
    assert unreadable == []


def test_the_test_part_of_plain_folders_is_that_of_training(tmp_path: Path) -> None:
    write_shapes(tmp_path, 40)
    assert load_test(tmp_path)[0] == load(tmp_path).test


def test_a_folder_may_lack_classes_of_the_model_but_not_have_others(tmp_path: Path) -> None:
    write_parts(tmp_path, labels=("red_circle", "blue_bar"))
    assert {picture.label for picture in load_test(tmp_path)[0]} == {"red_circle", "blue_bar"}
    with pytest.raises(
        DatasetInvalid, match=r"unknown classes: blue_bar\. Known are green_square, red_circle"
    ) as caught:
        load_test(tmp_path, ("green_square", "red_circle"))
    assert caught.value.reason == "DATA_CLASSES_DIFFER"


def test_extra_pictures_are_for_training_only(tmp_path: Path) -> None:
    write_parts(tmp_path / "main", 40, 3)
    further = write_shapes(tmp_path / "further", 30, ("red_circle",), first=5000)
    (further / "red_circle" / "broken.png").write_bytes(b"broken")
    alone = load(tmp_path / "main")
    together = load(tmp_path / "main", [further, further], [])
    assert len(together.train) == len(alone.train) + 2 * 30
    assert together.validation == alone.validation
    assert together.test == alone.test
    assert {file.path.name for file in together.unreadable} == {"broken.png"}
    assert together.digest != alone.digest


def test_extra_pictures_that_are_kept_for_validation_teach_nothing(tmp_path: Path) -> None:
    main = write_parts(tmp_path / "main", 40, 3)
    dataset = load(main, [main / "train"])
    kept = {picture.digest for picture in dataset.validation}
    assert len(dataset.train) == 2 * (3 * 40 - len(kept)) > 0
    assert not kept & {picture.digest for picture in dataset.train}


def test_pictures_from_elsewhere_are_tested_by_collection_unless_they_were_trained_on(tmp_path: Path) -> None:
    main, shop = write_parts(tmp_path / "main", 10, 3), write_shapes(tmp_path / "shop", 4, LABELS[:2], first=500)
    shutil.copy(next(iter(sorted((main / "train" / LABELS[0]).iterdir()))), shop / LABELS[0] / "copy.png")
    dataset = load_dataset(DataFolders(main, elsewhere=[shop]), mobilenet_preprocessing(), 2, ignore_progress)
    ((name, found),) = dataset.elsewhere.items()
    assert name == f"{tmp_path.name}/shop"
    assert sorted(picture.label for picture in found) == [LABELS[0]] * 4 + [LABELS[1]] * 4
    assert [pair.test.path.name for pair in dataset.overlap] == ["copy.png"]
    write_shapes(shop, 1, (LABELS[2],), named={LABELS[2]: "unknown"})
    with pytest.raises(DatasetInvalid, match="unknown classes: unknown"):
        load_dataset(DataFolders(main, elsewhere=[shop]), mobilenet_preprocessing(), 2, ignore_progress)


def test_extra_pictures_of_unknown_classes_are_refused(tmp_path: Path) -> None:
    main = write_parts(tmp_path / "main", 4, 2, ("red_circle", "blue_bar"))
    further = write_shapes(tmp_path / "further", 2)
    with pytest.raises(DatasetInvalid, match=r"further has unknown classes: green_square\. Known are blue_bar, red"):
        load(main, [further], [])
    with pytest.raises(DatasetInvalid, match="There is no folder"):
        load(main, [tmp_path / "nowhere"], [])


def test_class_indices_follow_the_labels_given(tmp_path: Path) -> None:
    pictures = [Picture(tmp_path, label, "", 0) for label in ("b", "a", "b")]
    assert class_indices(pictures, ["a", "b"]).tolist() == [1, 0, 1]
    assert class_indices(pictures, ["b", "a"]).tolist() == [0, 1, 0]


def test_negatives_are_split_for_training_and_validation_and_are_no_class(tmp_path: Path) -> None:
    write_shapes(tmp_path / "other", 20, first=5000)
    data = write_parts(tmp_path / "main", 4, 2)
    (tmp_path / "other" / "broken.jpg").write_bytes(b"broken")
    twice = [tmp_path / "other", tmp_path / "other"]
    dataset = load(data, [], twice)
    alone = load(data, [], [])
    kept = {picture.digest for picture in dataset.validation_negatives}
    assert len(dataset.validation_negatives) == len(kept) > 0
    assert len(dataset.negatives) == 2 * (20 * len(LABELS) - len(kept))
    assert not kept & {picture.digest for picture in dataset.negatives}
    assert dataset.labels == alone.labels
    assert dataset.digest != alone.digest
    assert len(dataset.training_examples) == len(dataset.train) + len(dataset.negatives)
    assert {file.path.name for file in dataset.unreadable} == {"broken.jpg"}
    with pytest.raises(DatasetInvalid, match="There is no folder"):
        load(data, [], [tmp_path / "nowhere"])


def test_negatives_that_are_held_out_are_not_learned(tmp_path: Path) -> None:
    data = write_parts(tmp_path / "main", 4, 2)
    learned, held_out = (write_shapes(tmp_path / name, 5, first=first) for name, first in (("a", 5000), ("b", 6000)))
    dataset = load_dataset(
        DataFolders(data, negatives=[learned], held_out=[held_out]), mobilenet_preprocessing(), 2, ignore_progress
    )
    assert all(held_out not in picture.path.parents for picture in dataset.negatives)
    kept = [picture for picture in dataset.validation_negatives if held_out in picture.path.parents]
    assert len(kept) == 5 * len(LABELS)


def test_plain_class_folders_can_be_combined_with_extra_pictures_and_negatives(tmp_path: Path) -> None:
    data = write_shapes(tmp_path / "main", 40)
    more, other = write_shapes(tmp_path / "more", 5, first=5000), write_shapes(tmp_path / "other", 20, first=6000)
    alone, together = load(data), load(data, [more], [other])
    assert len(together.train) == len(alone.train) + 5 * len(LABELS)
    assert len(together.negatives) + len(together.validation_negatives) == 20 * len(LABELS)
    assert together.test == alone.test


def copy_smaller(source: Path, target: Path) -> None:
    """Writes a copy as websites do: with fewer pixels and in another format."""
    with Image.open(source) as image:
        image.resize((48, 48), Image.Resampling.LANCZOS).save(target, quality=70)


def test_copies_of_training_pictures_are_left_out_of_the_test_part(tmp_path: Path) -> None:
    data = write_parts(tmp_path / "main", 20, 4)
    more = write_shapes(tmp_path / "more", 2, ("blue_bar",), first=5000)
    before = load(data)
    for part, label, name in (("train", "red_circle", "7"), ("train", "green_square", "3")):
        copy_smaller(data / part / label / f"{name}.png", data / "test" / label / f"copy_of_{name}.jpg")
    copy_smaller(more / "blue_bar" / "5001.png", data / "test" / "blue_bar" / "copy_of_5001.jpg")
    shutil.copy(more / "blue_bar" / "5000.png", data / "test" / "blue_bar" / "copy_of_5000.png")
    dataset = load(data, [more], [])
    pairs = {pair.test.path.name: pair.train.path for pair in dataset.overlap}
    assert pairs == {
        "copy_of_7.jpg": data / "train" / "red_circle" / "7.png",
        "copy_of_3.jpg": data / "train" / "green_square" / "3.png",
        "copy_of_5001.jpg": more / "blue_bar" / "5001.png",
        "copy_of_5000.png": more / "blue_bar" / "5000.png",
    }
    assert dataset.test == before.test
    part = load_test_part(data, LABELS, mobilenet_preprocessing(), 2, ignore_progress)
    assert {pair.test.path.name for pair in part.overlap} == {"copy_of_7.jpg", "copy_of_3.jpg"}
    assert len(part.pictures) == 3 * 4 + 2


def test_copies_within_plain_class_folders_are_found_too(tmp_path: Path) -> None:
    home = write_shapes(tmp_path, 30) / "red_circle"
    for number in range(30):
        copy_smaller(home / f"{number}.png", home / f"{number}.jpg")
    dataset = load(tmp_path)
    learned_on = {picture.path.stem for picture in [*dataset.train, *dataset.validation] if picture.path.parent == home}
    left = {picture.path.stem for picture in dataset.test if picture.path.parent == home}
    assert {pair.test.path.stem for pair in dataset.overlap} <= learned_on
    assert len(dataset.overlap) > 0
    assert not left & learned_on


def test_a_blank_picture_matches_only_its_own_copies(tmp_path: Path) -> None:
    write_parts(tmp_path, 4, 2)
    for part, name, colour in (("train", "white", "white"), ("test", "black", "black"), ("test", "again", "white")):
        Image.new("RGB", (40, 30), colour).save(tmp_path / part / "red_circle" / f"{name}.png")
    assert [pair.test.path.name for pair in load(tmp_path).overlap] == ["again.png"]


def test_a_class_whose_test_pictures_are_all_copies_is_refused(tmp_path: Path) -> None:
    write_parts(tmp_path, 4, 2)
    shutil.rmtree(tmp_path / "test" / "blue_bar")
    shutil.copytree(tmp_path / "train" / "blue_bar", tmp_path / "test" / "blue_bar")
    with pytest.raises(DatasetInvalid, match=r"No test picture is left for blue_bar.* 4 show the same photo as a"):
        load(tmp_path)
