"""What an import finds in folders, archives and indexes, and what it refuses before anything is sent."""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from services.collection.commands.errors import ImportInvalid
from services.collection.commands.layouts import Item, find_items
from services.collection.commands.sources import MIN_BOMB_BYTES, opened


def write(root: Path, files: Mapping[str, bytes | str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def archived(path: Path, files: Mapping[str, bytes | str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def items(path: Path, is_none: bool = False) -> list[Item]:
    with opened(path) as source:
        return list(find_items(source, is_none).items)


def reason(path: Path) -> str:
    with pytest.raises(ImportInvalid) as refused:
        items(path)
    return refused.value.reason


PARTS = {
    "train/Golden Delicious/1.jpg": b"1",
    "train/kiwi/deeper/2.jpg": b"2",
    "test/kiwi/3.jpg": b"3",
    "negatives/train/4.jpg": b"4",
    "negatives/5.jpg": b"5",
    "readme.txt": b"",
    "train/.DS_Store": b"",
    "__MACOSX/train/kiwi/1.jpg": b"",
}
IN_PARTS = [
    Item("negatives/5.jpg", "", ""),
    Item("negatives/train/4.jpg", "", "train"),
    Item("test/kiwi/3.jpg", "kiwi", "test"),
    Item("train/Golden Delicious/1.jpg", "golden_delicious", "train"),
    Item("train/kiwi/deeper/2.jpg", "kiwi", "train"),
]


def test_folders_of_classes_in_parts_have_their_sides(tmp_path: Path) -> None:
    assert items(write(tmp_path / "set", PARTS)) == IN_PARTS
    assert items(archived(tmp_path / "set.zip", PARTS)) == IN_PARTS


def test_the_kaggle_layout_is_understood_some_folders_further_down(tmp_path: Path) -> None:
    wrapped = {f"archive/MY_data/{name}": content for name, content in PARTS.items()}
    expected = [Item(f"archive/MY_data/{item.name}", item.label, item.side) for item in IN_PARTS]
    assert items(write(tmp_path / "set", wrapped)) == expected
    assert items(archived(tmp_path / "set.zip", wrapped)) == expected


def test_folders_of_classes_alone_leave_the_side_to_the_content(tmp_path: Path) -> None:
    folder = write(tmp_path, {"kiwi/1.jpg": b"", "lime/2.jpg": b"", "loose.jpg": b""})
    assert items(folder) == [Item("kiwi/1.jpg", "kiwi", ""), Item("lime/2.jpg", "lime", "")]
    with opened(folder) as source:
        assert find_items(source).left_out == 1


def test_all_photos_of_a_folder_can_be_negatives(tmp_path: Path) -> None:
    folder = write(tmp_path, {"train/shop/1.jpg": b"", "2.jpg": b""})
    assert items(folder, is_none=True) == [Item("2.jpg", "", ""), Item("train/shop/1.jpg", "", "train")]


def test_an_imagefolder_is_read_by_its_index(tmp_path: Path) -> None:
    lines = [{"file_name": "a/1.jpg", "label": "Kiwi"}, {"file_name": "2.jpg", "label": None}]
    text = "\n".join(map(json.dumps, lines))
    folder = write(tmp_path, {"train/metadata.jsonl": text, "train/a/1.jpg": b"", "train/2.jpg": b""})
    assert items(folder) == [Item("train/2.jpg", "", "train"), Item("train/a/1.jpg", "kiwi", "train")]


def task(image: str, *choices: object, cancelled: bool = False) -> dict[str, object]:
    result = [{"type": "choices", "value": {"choices": [choice]}} for choice in choices]
    return {"data": {"image": image}, "annotations": [{"result": result, "was_cancelled": cancelled}]}


def test_tasks_of_label_studio_are_read_by_their_annotations(tmp_path: Path) -> None:
    tasks = [
        task("/data/local-files/?d=photos/1.jpg", "kiwi"),
        task("photos/2%20b.jpg", "(none)"),
        task("photos/3.jpg"),
        task("photos/3.jpg", "lime", cancelled=True),
    ]
    photos = {f"photos/{name}.jpg": b"" for name in ("1", "2 b", "3")}
    folder = write(tmp_path, {"tasks.json": json.dumps(tasks), **photos})
    assert items(folder) == [Item("photos/1.jpg", "kiwi", ""), Item("photos/2 b.jpg", "", "")]
    with opened(folder) as source:
        assert find_items(source).left_out == 2


@pytest.mark.parametrize(
    "name", ["../up/kiwi/1.jpg", "/etc/kiwi/1.jpg", "kiwi/../../1.jpg", "kiwi\\..\\1.jpg", "C:/kiwi/1"]
)
def test_a_path_that_leads_out_of_an_archive_is_refused(name: str, tmp_path: Path) -> None:
    assert reason(archived(tmp_path / "set.zip", {"kiwi/0.jpg": b"", name: b""})) == "IMPORT_PATH_INVALID"


@pytest.mark.parametrize("name", ["../1.jpg", "/etc/passwd", "a/../../1.jpg", "https://example.org/1.jpg", ""])
def test_a_path_that_leads_out_of_an_index_is_refused(name: str, tmp_path: Path) -> None:
    metadata = write(tmp_path / "hf", {"metadata.jsonl": json.dumps({"file_name": name, "label": "kiwi"})})
    assert reason(metadata) == ("IMPORT_FILE_MISSING" if name.startswith("https") else "IMPORT_PATH_INVALID")
    assert reason(write(tmp_path / "ls", {"tasks.json": json.dumps([task(name, "kiwi")])})) == "IMPORT_PATH_INVALID"


def test_an_archive_that_would_grow_out_of_proportion_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        zeros = bytes(2**24)
        for number in range(MIN_BOMB_BYTES // len(zeros) + 1):
            archive.writestr(f"kiwi/{number}.jpg", zeros, compresslevel=1)
    assert reason(path) == "IMPORT_ARCHIVE_BOMB"


def test_of_a_file_no_more_is_read_than_asked_for(tmp_path: Path) -> None:
    with opened(archived(tmp_path / "set.zip", {"kiwi/1.jpg": bytes(10_000)})) as source:
        assert len(source.read("kiwi/1.jpg", 100)) == 100


def test_a_damaged_file_of_an_archive_is_an_error_of_that_file(tmp_path: Path) -> None:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr("kiwi/1.jpg", b"content")
    (tmp_path / "set.zip").write_bytes(raw.getvalue().replace(b"content", b"CONTENT"))
    with opened(tmp_path / "set.zip") as source, pytest.raises(OSError, match="archive"):
        source.read("kiwi/1.jpg", 100)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"notes.txt": b""}, "IMPORT_EMPTY"),
        ({"?/1.jpg": b"", "kiwi/2.jpg": b""}, "IMPORT_LABEL_INVALID"),
        ({f"{'x' * 101}/1.jpg": b"", "kiwi/2.jpg": b""}, "IMPORT_LABEL_INVALID"),
        ({"metadata.jsonl": '{"file_name": "1.jpg"}'}, "IMPORT_LABEL_INVALID"),
        ({"metadata.jsonl": '{"file_name": "1.jpg", "label": 3}'}, "IMPORT_LABEL_INVALID"),
        ({"metadata.jsonl": '{"file_name": "1.jpg", "label": "../x"}'}, "IMPORT_LABEL_INVALID"),
        ({"metadata.jsonl": '{"file_name": "1.jpg", "label": "kiwi"}'}, "IMPORT_FILE_MISSING"),
        ({"metadata.jsonl": "{"}, "IMPORT_INDEX_INVALID"),
        ({"metadata.jsonl": "3"}, "IMPORT_INDEX_INVALID"),
        ({"metadata.jsonl": b"\xff\xfe"}, "IMPORT_INDEX_INVALID"),
        ({"tasks.json": json.dumps([task("1.jpg", "kiwi", "lime")])}, "IMPORT_LABEL_INVALID"),
        ({"tasks.json": json.dumps([{"data": {}}])}, "IMPORT_INDEX_INVALID"),
        ({"tasks.json": "[" * 100_000}, "IMPORT_INDEX_INVALID"),
    ],
)
def test_what_can_not_be_imported_is_refused_before_anything_is_sent(
    files: Mapping[str, bytes | str], expected: str, tmp_path: Path
) -> None:
    assert reason(write(tmp_path / "set", files)) == expected
    assert reason(archived(tmp_path / "set.zip", files)) == expected


def test_neither_a_folder_nor_an_archive_is_said_to_be_none(tmp_path: Path) -> None:
    assert reason(tmp_path / "nothing") == "IMPORT_NOT_FOUND"
    assert reason(write(tmp_path, {"set.zip": b"no archive"}) / "set.zip") == "IMPORT_ARCHIVE_INVALID"
