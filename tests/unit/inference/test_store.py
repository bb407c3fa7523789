import errno
import json
import os
import shutil
from pathlib import Path

import pytest
from verger.v1 import model_pb2

from engine.contract import CONTRACT_FILE, file_digest
from engine.errors import ModelCorrupt
from services.inference.store import Download, ModelStore, StoreFailed
from tests.support.repository import ROOT
from tests.support.tiny_model import tiny_version

REF = model_pb2.ModelRef(name="colours", version="3")


def source(version: Path, asked: list[str] | None = None) -> Download:
    def download(path: str, folder: Path) -> None:
        if asked is not None:
            asked.append(path)
        shutil.copy(version / path, folder / path)

    return download


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "store")


def test_a_copy_is_named_by_its_digest(store: ModelStore, tmp_path: Path) -> None:
    version = tiny_version(tmp_path / "version")
    folder = store.add(source(version))
    assert folder.name == file_digest(version / CONTRACT_FILE)
    assert (folder / "model.onnx").read_bytes() == (version / "model.onnx").read_bytes()


def test_the_same_content_is_fetched_once(store: ModelStore, tmp_path: Path) -> None:
    version = tiny_version(tmp_path / "version")
    folder = store.add(source(version))
    asked: list[str] = []
    assert store.add(source(version, asked)) == folder
    assert asked == [CONTRACT_FILE]


def test_files_for_training_are_not_fetched(store: ModelStore) -> None:
    asked: list[str] = []
    store.add(source(ROOT / "models" / "fruit-classifier", asked))
    assert asked == [CONTRACT_FILE, "model.onnx"]


def test_an_unreadable_contract_saves_the_other_downloads(store: ModelStore, tmp_path: Path) -> None:
    version = tiny_version(tmp_path / "version")
    (version / CONTRACT_FILE).write_text("{}}")
    asked: list[str] = []
    with pytest.raises(ModelCorrupt):
        store.add(source(version, asked))
    assert asked == [CONTRACT_FILE]


def test_an_interrupted_download_leaves_no_files(store: ModelStore, tmp_path: Path) -> None:
    version = tiny_version(tmp_path / "version")
    (version / "model.onnx").unlink()
    with pytest.raises(StoreFailed):
        store.add(source(version))
    assert list((tmp_path / "store").iterdir()) == []


def test_the_last_live_version_is_remembered(store: ModelStore, tmp_path: Path) -> None:
    folder = store.add(source(tiny_version(tmp_path / "version")))
    assert store.last_live("colours") is None
    store.remember_live(REF, folder)
    assert ModelStore(tmp_path / "store").last_live("colours") == (REF, folder)


def test_the_last_live_version_of_another_model_is_ignored(store: ModelStore, tmp_path: Path) -> None:
    store.remember_live(REF, store.add(source(tiny_version(tmp_path / "version"))))
    assert store.last_live("fruit-classifier") is None


@pytest.mark.parametrize("note", ["", "{", "[]", "{}", '{"name": 1, "version": 2, "digest": 3}'])
def test_a_damaged_note_is_ignored(store: ModelStore, tmp_path: Path, note: str) -> None:
    (tmp_path / "store" / "live.json").write_text(note)
    assert store.last_live("colours") is None


def test_old_copies_are_deleted_and_the_live_one_is_kept(store: ModelStore, tmp_path: Path) -> None:
    folders = []
    for age, gain in enumerate((4.0, 5.0, 6.0, 7.0, 8.0)):
        folders.append(store.add(source(tiny_version(tmp_path / f"version{gain}", gain=gain))))
        os.utime(folders[-1], (1000 + age, 1000 + age))
    store.remember_live(REF, folders[0])  # a rollback: the oldest copy is live
    assert [folder.exists() for folder in folders] == [True, False, True, True, True]


def changed(folder: Path) -> Path:
    """Changes a class name in the contract of a copy, as a hand or a disk might."""
    contract = folder / CONTRACT_FILE
    contract.write_text(contract.read_text().replace("Red", "Rad"))
    return folder


def test_a_copy_whose_contract_was_changed_is_fetched_again(store: ModelStore, tmp_path: Path) -> None:
    version = tiny_version(tmp_path / "version")
    folder = changed(store.add(source(version)))
    assert store.add(source(version)) == folder
    assert (folder / CONTRACT_FILE).read_bytes() == (version / CONTRACT_FILE).read_bytes()


def test_a_copy_without_its_contract_is_fetched_again(store: ModelStore, tmp_path: Path) -> None:
    version = tiny_version(tmp_path / "version")
    folder = store.add(source(version))
    (folder / CONTRACT_FILE).unlink()
    assert (store.add(source(version)) / CONTRACT_FILE).is_file()


def test_a_changed_copy_is_not_started_with(store: ModelStore, tmp_path: Path) -> None:
    folder = store.add(source(tiny_version(tmp_path / "version")))
    store.remember_live(REF, folder)
    assert store.last_live(REF.name) == (REF, folder)
    changed(folder)
    with pytest.raises(ModelCorrupt, match="was changed"):
        store.last_live(REF.name)
    assert not folder.exists()


@pytest.mark.parametrize("digest", ["", ".", "..", "../elsewhere", "0" * 64, 7])
def test_a_note_that_names_no_copy_is_ignored(store: ModelStore, tmp_path: Path, digest: object) -> None:
    note = {"name": REF.name, "version": REF.version, "digest": digest}
    (tmp_path / "store" / "live.json").write_text(json.dumps(note))
    assert store.last_live(REF.name) is None


def test_a_full_disk_is_a_reason_to_refuse_a_version(store: ModelStore) -> None:
    def download(path: str, folder: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(StoreFailed, match="No space left"):
        store.add(download)


def test_a_note_that_can_not_be_written_is_a_reason_to_refuse_a_version(store: ModelStore, tmp_path: Path) -> None:
    folder = store.add(source(tiny_version(tmp_path / "version")))
    (tmp_path / "store" / "live.new").mkdir()
    with pytest.raises(StoreFailed, match="can't note the version"):
        store.remember_live(REF, folder)
