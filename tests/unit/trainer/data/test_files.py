"""Finding files where folders are linked, locked or littered."""

import os
from pathlib import Path

from trainer.data.files import files_below


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def found(home: Path) -> list[str]:
    return [path.relative_to(home).as_posix() for path in files_below(home)]


def test_linked_folders_and_files_are_followed(tmp_path: Path) -> None:
    touch(tmp_path / "apple" / "1.png", tmp_path / "elsewhere" / "deep" / "2.png", tmp_path / "single.png")
    (tmp_path / "apple" / "batch").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "apple" / "3.png").symlink_to(tmp_path / "single.png")
    assert found(tmp_path / "apple") == ["1.png", "3.png", "batch/deep/2.png"]


def test_a_linked_class_folder_is_followed(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere" / "1.png")
    (tmp_path / "apple").symlink_to(tmp_path / "elsewhere")
    assert found(tmp_path / "apple") == ["1.png"]


def test_links_that_lead_back_end(tmp_path: Path) -> None:
    touch(tmp_path / "apple" / "1.png", tmp_path / "apple" / "a" / "2.png", tmp_path / "banana" / "3.png")
    (tmp_path / "apple" / "a" / "up").symlink_to(tmp_path / "apple")
    (tmp_path / "apple" / "all").symlink_to(tmp_path)
    (tmp_path / "apple" / "again").symlink_to(tmp_path / "apple" / "a")
    assert len(found(tmp_path / "apple")) == 2


def test_what_leads_nowhere_is_found_so_that_it_gets_named(tmp_path: Path) -> None:
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert found(tmp_path) == ["gone", "loop"]


def test_what_is_no_file_is_ignored(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    touch(tmp_path / "1.png")
    assert found(tmp_path) == ["1.png"]


def test_file_names_need_not_be_valid_text(tmp_path: Path) -> None:
    with open(os.path.join(os.fsencode(tmp_path), b"caf\xe9.png"), "wb"):
        pass
    assert [os.fsencode(path.name) for path in files_below(tmp_path)] == [b"caf\xe9.png"]
