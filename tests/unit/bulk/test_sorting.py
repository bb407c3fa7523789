"""Photos that are sorted into folders."""

import csv
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from bulk.errors import OutputInvalid
from bulk.output.sorting import Sorter, folder_names
from bulk.photos.rows import SCHEMA

LABELS = ["apple", "kiwi"]
MAX_BYTES = 1000


Row = dict[str, Any]


def row(path: Path, verdict: str | None = "RECOGNISED", label: str = "apple", error: str | None = None) -> Row:
    return {
        "path": str(path),
        "verdict": verdict,
        "label": label if verdict == "RECOGNISED" else None,
        "labels": [label] if verdict else [],
        "probabilities": [0.5] if verdict else [],
        "error": error,
        "model": "fruits",
        "version": "1",
        "contract_digest": "0",
    }


def sort(folder: Path, rows: list[Row], copy: bool = False, run: str = "one") -> list[dict[str, str]]:
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    Sorter(folder, run, LABELS, copy).sort([([os.fsencode(item["path"]) for item in rows], table)], MAX_BYTES)
    with (folder / "sorted.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def photo(path: Path, content: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content or path.name)
    return path


def tree(folder: Path) -> dict[str, str]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.name not in ("sorted.csv", ".verger-sorted"))
    return {str(path.relative_to(folder)): path.read_text() for path in found}


def test_each_verdict_has_a_folder_and_the_list_says_why(tmp_path: Path) -> None:
    rows = [
        row(photo(tmp_path / "a.jpg")),
        row(photo(tmp_path / "b.jpg"), label="kiwi"),
        row(photo(tmp_path / "c.jpg"), "UNSURE"),
        row(photo(tmp_path / "d.jpg"), "OUT_OF_SCOPE"),
        row(photo(tmp_path / "e.txt"), None, error="IMAGE_FORMAT_UNSUPPORTED"),
    ]
    listed = sort(tmp_path / "sorted", rows)
    files = ["apple/a.jpg", "kiwi/b.jpg", "unsure/c.jpg", "none/d.jpg"]
    assert tree(tmp_path / "sorted") == {name: Path(name).name for name in files}
    assert [item["file"] for item in listed] == [*files, ""]
    assert listed[2]["label"] == "apple"
    assert listed[4]["error"] == "IMAGE_FORMAT_UNSUPPORTED"


@pytest.mark.parametrize("copy", [True, False])
def test_photos_of_the_same_name_are_kept_apart(copy: bool, tmp_path: Path) -> None:
    names = ["1/IMG.jpg", "2/img.JPG", "3/IMG.jpg", "4/IMG-2.jpg", "5/IMG-2.jpg"]
    photos = [photo(tmp_path / name, name) for name in names]
    listed = sort(tmp_path / "sorted", [row(path) for path in photos], copy)
    assert len({item["file"].casefold() for item in listed}) == len(names)
    assert {item["file"]: Path(item["path"]).read_text() for item in listed} == tree(tmp_path / "sorted")
    assert [path.samefile(tmp_path / "sorted" / item["file"]) for path, item in zip(photos, listed, strict=True)] == [
        not copy
    ] * len(names)


def test_sorting_goes_on_after_an_interruption_and_changes_nothing_when_repeated(tmp_path: Path) -> None:
    rows = [row(photo(tmp_path / str(number) / "x.jpg", str(number))) for number in range(4)]
    sort(tmp_path / "whole", rows, copy=True)
    before = tree(tmp_path / "whole")
    (tmp_path / "whole/apple/x-3.jpg").unlink()
    (tmp_path / "whole/apple/.x-4.jpg.unfinished").write_text("half")
    (tmp_path / "whole/sorted.csv").unlink()
    sort(tmp_path / "whole", rows, copy=True)
    assert tree(tmp_path / "whole") == before


def test_a_folder_with_other_files_and_one_of_another_run_are_left_alone(tmp_path: Path) -> None:
    photo(tmp_path / "mine" / "diary.txt")
    with pytest.raises(OutputInvalid, match="not empty; it holds diary"):
        sort(tmp_path / "mine", [])
    sort(tmp_path / "sorted", [row(photo(tmp_path / "a.jpg"))])
    with pytest.raises(OutputInvalid, match="of another run"):
        sort(tmp_path / "sorted", [], run="two")


def test_a_photo_that_has_gone_meanwhile_is_in_the_list(tmp_path: Path) -> None:
    (listed,) = sort(tmp_path / "sorted", [row(tmp_path / "gone.jpg")])
    assert (listed["file"], listed["error"]) == ("", "FILE_UNREADABLE: No such file or directory")


def test_names_of_folders_are_safe_and_different() -> None:
    names = folder_names(["Unsure", "none", "a/b", "a:b", "..", "", "sorted.csv", "Äpfel"])
    assert list(names.values()) == [
        "unsure",
        "none",
        "Unsure-2",
        "none-2",
        "a_b",
        "a_b-2",
        "class",
        "class-2",
        "sorted.csv-2",
        "Äpfel",
    ]
