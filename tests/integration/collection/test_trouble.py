"""Full disks, storage that fails, databases that are away, several services at once, and photos that are too old."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import fsspec
import grpc
import pytest
from sqlalchemy import create_engine, text

from engine.photo.opening import Limits
from services.collection import keeping
from services.collection.errors import StorageUnavailable
from services.collection.facts import Answer, NewPhoto, Source
from services.collection.keeping import Keeper
from services.collection.photos import files as storage
from services.collection.photos.files import PhotoFiles
from services.collection.photos.preparing import PreparedPhoto, prepare
from services.collection.records.database import Database
from services.collection.records.listing import PhotoList
from services.collection.records.photos import PhotoRecords, Unneeded
from services.common import database
from services.common.capacity.pool import WorkPool
from services.common.capacity.processes import LimitedProcesses
from tests.support.pictures.photos import encoded, scene, with_repeated_scan
from tests.support.servers.collection_server import FRUITS, SECONDS, Collection, new_photo, running_collection
from tests.support.small_disk import full, small_disk, why_no_disk
from tests.support.statuses import code_and_reason
from tests.support.waiting import wait_until

DAY = timedelta(days=1)


class Room:
    """What the service is made of, without a server, and with a clock that tests move."""

    def __init__(self, address: str, folder: str) -> None:
        with patch.object(database, "TIMEOUT_SECONDS", SECONDS):
            self.database = Database(address)
        self.time = datetime(2026, 11, 28, tzinfo=UTC)
        self.files = PhotoFiles(folder)
        self.records = PhotoRecords(self.database, "here", lambda: self.time)
        self.threads = WorkPool("collection", 4)
        self.processes = LimitedProcesses(1, 60, prepare.__module__)
        self.keeper = Keeper(self.records, self.files, self.threads, self.processes, Limits())

    async def add(self, image: bytes, classifier: str = FRUITS) -> str:
        answer = Answer("answer-1", Source.PAGE)
        return (await self.keeper.add(lambda digest: NewPhoto(classifier, digest, answer), image)).id

    def rows(self, table: str) -> int:
        with self.database.reading() as connection:
            return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())

    def close(self) -> None:
        self.processes.close()
        self.threads.close()
        self.database.close()


@pytest.fixture
def room(address: str, tmp_path: Path) -> Iterator[Room]:
    made = Room(address, str(tmp_path / "photos"))
    yield made
    made.close()


def names(folder: Path) -> list[str]:
    return [file.name for file in folder.rglob("*") if file.is_file()]


def refusal(collection: Collection, image: bytes | None = None) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as refused:
        collection.add(image)
    return code_and_reason(refused.value)


@pytest.mark.skipif(why_no_disk() is not None, reason=str(why_no_disk()))
def test_on_a_full_disk_nothing_is_kept_by_half(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    photo = new_photo()
    with (
        small_disk(disk, 8 * 2**20),
        running_collection(disk / "photos", f"sqlite:///{tmp_path / 'c.db'}") as collection,
    ):
        collection.add()
        with full(disk):
            assert refusal(collection, photo) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "STORAGE_FULL")
            assert len(collection.ids()) == 1
            assert len(collection.files()) == 2
        assert collection.add(photo).is_new
        assert len(collection.files()) == 4


@pytest.mark.skipif(why_no_disk() is not None, reason=str(why_no_disk()))
def test_a_full_disk_of_the_database_keeps_nothing_either(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    photo = new_photo()
    with (
        small_disk(disk, 8 * 2**20),
        running_collection(tmp_path / "photos", f"sqlite:///{disk / 'c.db'}") as collection,
    ):
        collection.add()
        with full(disk):  # SQLite has several errors for this
            assert refusal(collection, photo)[1] in ("STORAGE_FULL", "COLLECTION_UNAVAILABLE")
        assert len(collection.ids()) == 1
        assert collection.add(photo).is_new


async def test_a_storage_that_fails_in_mid_write_leaves_a_file_that_is_removed(
    room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, rename = new_photo(), Path.rename

    def fail_for_images(file: Path, target: Path) -> Path:
        if "images" in str(target):
            raise OSError(5, "Input/output error")
        return rename(file, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", fail_for_images)
        with pytest.raises(StorageUnavailable):
            await room.add(photo)
    assert room.rows("collection_photos") == 0
    assert len(names(tmp_path / "photos")) == 1  # the thumbnail
    await room.keeper.clean(DAY)
    assert len(names(tmp_path / "photos")) == 1  # it might still be being written
    room.time += keeping.MIN_UNNEEDED_AGE
    await room.keeper.clean(DAY)
    assert (names(tmp_path / "photos"), room.rows("collection_files")) == ([], 0)
    assert await room.add(photo)


async def test_what_a_killed_process_has_begun_to_write_is_removed_in_the_end(
    room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unfinished = tmp_path / "photos" / "unfinished" / "x"
    unfinished.write_bytes(b"half")
    await room.keeper.clean(DAY)
    assert unfinished.exists()
    os.utime(unfinished, (0, 0))
    await room.keeper.clean(DAY)
    assert not unfinished.exists()


async def test_bytes_that_can_not_be_deleted_at_once_are_deleted_later(
    room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = await room.add(new_photo())

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(room.files._files, "rm_file", fail)
        assert await room.keeper.delete([identity], "anna") == 1
    assert room.rows("collection_photos") == 0
    assert len(names(tmp_path / "photos")) == 2
    room.time += keeping.MIN_UNNEEDED_AGE
    await room.keeper.clean(DAY)
    assert (names(tmp_path / "photos"), room.rows("collection_files")) == ([], 0)


async def test_a_photo_that_is_sent_again_while_it_is_deleted_keeps_its_bytes(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deletion has released the file and has not removed it yet, when somebody begins to write it."""
    photo, write, is_there = new_photo(), room.files.write, []
    identity = await room.add(photo)
    (file,) = room.records.delete([identity], "anna").files
    room.time += timedelta(seconds=1)

    def write_and_delete(prepared: PreparedPhoto) -> None:
        write(prepared)
        room.records.remove_file(file, room.files.remove)
        is_there.append(room.files.exists(prepared.digest))

    monkeypatch.setattr(room.files, "write", write_and_delete)
    await room.add(photo)
    assert is_there == [True]


async def test_a_photo_whose_file_was_removed_while_it_was_added_is_written_again(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, removed = room.files.write, []

    def write_and_lose(photo: PreparedPhoto) -> None:
        write(photo)
        if not removed:
            removed.append(photo.digest)
            room.records.remove_file(Unneeded(photo.digest, room.time), room.files.remove)
            room.records.announce_file(photo.digest)  # by somebody else, who has not written it yet

    monkeypatch.setattr(room.files, "write", write_and_lose)
    identity = await room.add(new_photo())
    assert removed == [PhotoList(room.database).photo(identity)[0].digest]
    assert room.files.exists(removed[0])


async def test_photos_that_are_too_old_are_deleted_with_all_that_is_known_of_them(room: Room, tmp_path: Path) -> None:
    old = await room.add(new_photo())
    room.time += 29 * DAY
    new = await room.add(new_photo())
    room.time += DAY
    assert await room.keeper.clean(30 * DAY) == 0
    room.time += timedelta(seconds=1)
    assert await room.keeper.clean(30 * DAY) == 1
    with room.database.reading() as connection:
        assert connection.scalars(text("SELECT id FROM collection_photos")).all() == [new]
        entries = connection.execute(text("SELECT who, action, subject FROM collection_audit")).all()
    assert [tuple(entry) for entry in entries] == [("collection", "photo expired", old)]
    assert len(names(tmp_path / "photos")) == 2


def test_the_running_service_deletes_what_is_too_old(address: str, tmp_path: Path) -> None:
    with running_collection(tmp_path / "photos", address) as collection:
        collection.add()
    engine = create_engine(address.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(text("UPDATE collection_photos SET received_at = '2020-01-02 03:04:05'"))
    engine.dispose()
    with running_collection(tmp_path / "photos", address, collection_days=30) as collection:
        wait_until(lambda: not collection.ids(), what="the deletion of the old photo")
        wait_until(lambda: not collection.files(), what="the removal of its files")


def test_two_services_share_photos_and_database(address: str, tmp_path: Path) -> None:
    photos = [new_photo() for _ in range(6)]
    barrier = threading.Barrier(4)
    with ExitStack() as stack:
        services = [stack.enter_context(running_collection(tmp_path / "photos", address)) for _ in range(2)]

        def send(number: int) -> list[tuple[str, bool]]:
            barrier.wait(timeout=60)
            order = photos if number < 2 else photos[::-1]
            added = [services[number % 2].add(photo, request_id=f"answer-{number}") for photo in order]
            return [(each.photo_id, each.is_new) for each in added]

        with ThreadPoolExecutor(4) as threads:
            sent = [each for answers in threads.map(send, range(4)) for each in answers]
        assert len({photo for photo, _ in sent}) == 6
        assert sum(is_new for _, is_new in sent) == 6
        assert set(services[0].ids()) == set(services[1].ids()) == {photo for photo, _ in sent}
        assert [len(photo.answers) for photo in services[0].listed().photos] == [4] * 6
        assert len(services[0].files()) == 12


def test_a_database_that_is_locked_for_long_is_an_error_that_says_to_try_again(tmp_path: Path) -> None:
    file = tmp_path / "collection.db"
    with running_collection(tmp_path / "photos", f"sqlite:///{file}", database_seconds=1) as collection:
        collection.add()
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert refusal(collection) == (grpc.StatusCode.UNAVAILABLE, "COLLECTION_UNAVAILABLE")
        assert len(collection.ids()) == 1  # readers go on
        other.execute("ROLLBACK")
        other.close()
        assert collection.add().is_new


async def test_other_storage_that_fsspec_knows_does_as_well(tmp_path: Path) -> None:
    room = Room(f"sqlite:///{tmp_path / 'collection.db'}", "memory://verger")
    photo = new_photo()
    identity = await room.add(photo)
    digest = PhotoList(room.database).photo(identity)[0].digest
    assert room.files.read(digest).startswith(b"\xff\xd8")
    assert len(fsspec.filesystem("memory").find("/verger")) == 2
    assert await room.keeper.delete([identity], "anna") == 1
    assert fsspec.filesystem("memory").find("/verger") == []
    room.close()


async def test_a_photo_that_takes_too_long_to_prepare_is_refused(tmp_path: Path) -> None:
    limits = {"collection_decode_seconds": 0.05}
    slow = with_repeated_scan(encoded(scene((2400, 2400)), progressive=True), 50)
    with running_collection(tmp_path / "photos", f"sqlite:///{tmp_path / 'c.db'}", **limits) as collection:
        assert refusal(collection, slow) == (grpc.StatusCode.INVALID_ARGUMENT, "IMAGE_TOO_COMPLEX")
        assert collection.ids() == []


def test_unfinished_files_are_older_than_any_call() -> None:
    assert timedelta(seconds=storage.MAX_UNFINISHED_SECONDS) >= keeping.MIN_UNNEEDED_AGE >= timedelta(seconds=300)
