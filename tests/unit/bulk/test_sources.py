"""Which photos a source names, and in which order."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from bulk.errors import SourceInvalid
from bulk.sources.names import MAX_SHARD_PHOTOS, Names, write_names
from bulk.sources.source import absolute, names_in


def listed(source: str | Path, column: str = "path") -> list[str]:
    return [os.fsdecode(name) for name in names_in(absolute(str(source)), column)]


def files(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_a_folder_is_listed_sorted_by_path_without_litter(tmp_path: Path) -> None:
    files(tmp_path, "b.jpg", "a/2.jpg", "a/10.jpg", "a.jpg", "a/.hidden", "a/Thumbs.db", "__MACOSX/a.jpg", "é/x y.jpg")
    expected = ["a/10.jpg", "a/2.jpg", "a.jpg", "b.jpg", "é/x y.jpg"]
    assert listed(tmp_path) == [str(tmp_path / name) for name in expected]


def test_linked_folders_are_followed_once_and_loops_end(tmp_path: Path) -> None:
    photos = files(tmp_path / "photos", "a/1.jpg")
    files(tmp_path / "elsewhere", "2.jpg")
    (photos / "b").symlink_to(tmp_path / "elsewhere")
    (photos / "c").symlink_to(tmp_path / "elsewhere")
    (photos / "a" / "up").symlink_to(photos)
    (photos / "a" / "above").symlink_to(tmp_path)
    assert listed(photos) == [str(photos / "a/1.jpg"), str(photos / "b/2.jpg")]


def test_a_name_that_is_not_text_is_kept_as_it_is(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.jpg")).touch()
    assert list(names_in(str(tmp_path), "path")) == [os.fsencode(tmp_path) + b"/\xff.jpg"]


def test_a_pattern_names_files_sorted(tmp_path: Path) -> None:
    files(tmp_path, "b.jpg", "a.jpg", "c.png", "d.jpg/e.txt", "sub/f.jpg")
    assert listed(f"{tmp_path}/*.jpg") == [str(tmp_path / "a.jpg"), str(tmp_path / "b.jpg")]
    assert listed(f"{tmp_path}/**/*.jpg")[-1] == str(tmp_path / "sub/f.jpg")


def test_a_folder_whose_name_looks_like_a_pattern_is_a_folder(tmp_path: Path) -> None:
    files(tmp_path / "[2026] *", "a.jpg")
    assert listed(tmp_path / "[2026] *") == [str(tmp_path / "[2026] *" / "a.jpg")]


def test_names_in_a_list_are_relative_to_its_folder(tmp_path: Path) -> None:
    names = ["a.jpg", "../b.jpg", "/c.jpg", "s3://bucket/d.jpg", "https://host/e.jpg", "with space "]
    right = [str(tmp_path / "a.jpg"), str(tmp_path.parent / "b.jpg"), *names[2:5], str(tmp_path / "with space ")]
    (tmp_path / "list.txt").write_text("\r\n".join(["", *names, ""]))
    table = pa.table({"path": names, "other": range(len(names))})
    pa.parquet.write_table(table, tmp_path / "list.parquet")
    pa.csv.write_csv(table, tmp_path / "list.csv")
    for name in ("list.txt", "list.parquet", "list.csv"):
        assert listed(tmp_path / name) == right, name


def test_a_column_is_chosen_and_a_row_without_a_name_stays_a_row(tmp_path: Path) -> None:
    pa.parquet.write_table(pa.table({"file_name": ["/a.jpg", None]}), tmp_path / "list.parquet")
    assert listed(tmp_path / "list.parquet", "file_name")[0] == "/a.jpg"
    assert len(listed(tmp_path / "list.parquet", "file_name")) == 2
    with pytest.raises(SourceInvalid, match="no column “path”; name one with --column: file_name"):
        listed(tmp_path / "list.parquet")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("nothing", None, "SOURCE_NOT_FOUND"),
        ("list.parquet", b"no parquet", "SOURCE_UNREADABLE"),
        ("list.csv", b"", "SOURCE_UNREADABLE"),
        ("list.csv", b"other\na.jpg\n", "COLUMN_MISSING"),
    ],
)
def test_a_source_that_can_not_be_used_is_named_with_a_reason(
    name: str, content: bytes | None, reason: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceInvalid) as raised:
        listed(tmp_path / name)
    assert raised.value.reason == reason


def test_an_unknown_kind_of_address_is_refused() -> None:
    with pytest.raises(SourceInvalid) as raised:
        listed("nowhere://bucket/photos")
    assert raised.value.reason == "SOURCE_UNREADABLE"


@pytest.mark.parametrize(("count", "size"), [(1, 1), (799, 7), (1000, 10), (60_000, MAX_SHARD_PHOTOS)])
def test_shards_are_small_where_photos_are_few_and_hold_every_name_once(count: int, size: int, tmp_path: Path) -> None:
    write_names((b"%d" % number for number in range(count)), tmp_path / "names")
    names = Names(tmp_path / "names")
    assert (len(names), names.shard_photos) == (count, size)
    shards = [names.shard(number) for number in range(names.shards)]
    assert [len(shard) for shard in shards] == [names.length(number) for number in range(names.shards)]
    assert [name for shard in shards for name in shard] == [b"%d" % number for number in range(count)]
