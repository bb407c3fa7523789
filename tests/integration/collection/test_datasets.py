"""Dataset versions: made of what is labelled, frozen, and with photos that stay on their sides."""

import hashlib
import itertools
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError
from verger.v1 import collection_pb2, datasets_pb2

from services.collection.datasets import records as records_module
from services.collection.records.database import SCHEMA
from tests.support.pictures.photos import encoded
from tests.support.servers.collection_server import FRUITS, SECONDS, Collection, a, running_collection
from tests.support.statuses import code_and_reason
from tests.support.trainer.shapes import shape

NONE = collection_pb2.Label(kind=collection_pb2.LABEL_KIND_NONE)
DISCARDED = collection_pb2.Label(kind=collection_pb2.LABEL_KIND_DISCARDED)
TRAIN, TEST = datasets_pb2.DATASET_SIDE_TRAIN, datasets_pb2.DATASET_SIDE_TEST


@pytest.fixture
def engine(address: str) -> Iterator[Engine]:
    """The database without Verger's code."""
    engine = create_engine(address.replace("postgresql:", "postgresql+psycopg:"))
    yield engine
    engine.dispose()


_numbers = itertools.count()


def other_photo() -> bytes:
    """A photo that looks like no other one."""
    return encoded(shape("red_circle", next(_numbers)))


def fill(collection: Collection, *labels: str, count: int = 3) -> dict[str, str]:
    """Adds photos of classes; "" stands for none of them. Returns the labels by the ids of the photos."""
    wanted = [(label, a(label) if label else NONE) for label in labels for _ in range(count)]
    return {collection.labelled(label, other_photo()): name for name, label in wanted}


def entries(collection: Collection, version: int) -> list[str]:
    sides = {TRAIN: "train", TEST: "test"}
    return [f"{sides[each.side]}/{each.label}/{each.photo.digest}" for each in collection.members(version)]


def fetch(collection: Collection, *photos: str) -> dict[str, bytes]:
    questions = iter([datasets_pb2.FetchPhotosRequest(photo_id=photo) for photo in photos])
    return {got.photo_id: got.image for got in collection.datasets.FetchPhotos(questions, timeout=SECONDS)}


def test_a_version_holds_what_is_labelled_and_its_digest_is_that_of_its_photos(collection: Collection) -> None:
    labelled = fill(collection, "kiwi", "lime", "")
    collection.add()
    collection.labelled(DISCARDED)
    made = collection.make(made_by="anna")
    assert (made.is_new, made.left_out) == (True, 0)
    version = made.dataset
    assert (version.classifier, version.version, version.made_by, version.deleted_count) == (FRUITS, 1, "anna", 0)
    assert version.HasField("made_at")
    members = collection.members(1)
    assert {each.photo.photo_id: each.label for each in members} == labelled
    assert [each.photo.photo_id for each in members] == sorted(labelled)
    assert version.digest == hashlib.sha256("\n".join(sorted(entries(collection, 1))).encode()).hexdigest()
    counts = {each.label: (each.train_count, each.test_count) for each in version.classes}
    assert {label: sum(pair) for label, pair in counts.items()} == {"kiwi": 3, "lime": 3, "": 3}
    assert all(min(pair) > 0 for pair in counts.values())  # each class can be learned and tested


def test_what_has_not_changed_makes_no_other_version(collection: Collection) -> None:
    fill(collection, "kiwi")
    first, again = collection.make(), collection.make()
    assert (again.is_new, again.dataset) == (False, first.dataset)
    fill(collection, "kiwi", count=1)
    assert collection.make().dataset.version == 2
    listed = collection.datasets.ListDatasets(datasets_pb2.ListDatasetsRequest(classifier=FRUITS), timeout=SECONDS)
    assert [each.version for each in listed.datasets] == [2, 1]
    older = datasets_pb2.ListDatasetsRequest(classifier=FRUITS, before_version=2)
    assert [each.version for each in collection.datasets.ListDatasets(older, timeout=SECONDS).datasets] == [1]
    newest = collection.datasets.GetDataset(datasets_pb2.GetDatasetRequest(classifier=FRUITS), timeout=SECONDS)
    assert newest.dataset.version == 2


def test_a_photo_stays_on_its_side_and_a_version_as_it_is(collection: Collection) -> None:
    fill(collection, "kiwi", "lime", "", count=4)
    collection.make()
    before = collection.members(1)
    sides = {each.photo.photo_id: each.side for each in before}
    changed = before[0].photo.photo_id
    collection.label("another class", {changed: 1}, a("mango"))
    fill(collection, "kiwi", "mango", count=6)
    collection.make()
    after = {each.photo.photo_id: each for each in collection.members(2)}
    assert {photo: after[photo].side for photo in sides} == sides
    assert after[changed].label == "mango"
    assert [(each.label, each.side) for each in collection.members(1)] == [(each.label, each.side) for each in before]


def test_near_duplicates_are_on_one_side_also_when_they_come_later(collection: Collection) -> None:
    scenes = [shape("blue_bar", seed).resize((320, 320)) for seed in range(10)]
    sharp = [collection.labelled(a("kiwi"), encoded(each, quality=95)) for each in scenes]
    collection.make()
    first = {each.photo.photo_id: each.side for each in collection.members(1)}
    assert set(first.values()) == {TRAIN, TEST}
    small = [collection.labelled(a("kiwi"), encoded(each.resize((160, 120)), quality=40)) for each in scenes]
    collection.make()
    second = {each.photo.photo_id: each.side for each in collection.members(2)}
    assert [second[photo] for photo in small] == [first[photo] for photo in sharp]


def test_a_photo_that_was_deleted_is_gone_from_its_versions_and_from_the_next(collection: Collection) -> None:
    labelled = fill(collection, "kiwi", "lime")
    digest = collection.make().dataset.digest
    gone, *kept = sorted(labelled)
    collection.delete(gone)
    question = datasets_pb2.GetDatasetRequest(classifier=FRUITS, version=1)
    told = collection.datasets.GetDataset(question, timeout=SECONDS).dataset
    assert (told.deleted_count, told.digest) == (1, digest)
    assert sum(each.train_count + each.test_count for each in told.classes) == 6
    assert [each.photo.photo_id for each in collection.members(1)] == kept
    assert fetch(collection, gone, kept[0])[gone] == b""
    made = collection.make()
    assert (made.is_new, made.dataset.version, made.dataset.deleted_count) == (True, 2, 0)
    assert [each.photo.photo_id for each in collection.members(2)] == kept


def test_photos_are_fetched_as_they_are_kept(collection: Collection) -> None:
    labelled = fill(collection, "kiwi", "lime")
    loose = collection.add().photo_id
    collection.make()
    digests = {each.photo.photo_id: each.photo.digest for each in collection.members(1)}
    images = fetch(collection, *labelled, loose)
    assert images.pop(loose) == b""  # it is in no version
    assert {photo: hashlib.sha256(image).hexdigest() for photo, image in images.items()} == digests


def test_spellings_of_a_class_are_one_class(collection: Collection) -> None:
    for label in ("Golden Delicious", "golden_delicious", "golden-delicious"):
        collection.labelled(a(label))
    assert [each.label for each in collection.make().dataset.classes] == ["golden_delicious"]


@pytest.mark.parametrize("label", ["../../etc", "a/b", ".hidden"])
def test_a_label_that_is_no_class_is_named(label: str, tmp_path: Path) -> None:
    with running_collection(tmp_path / "photos", f"sqlite:///{tmp_path / 'c.db'}") as collection:
        fill(collection, "kiwi", label, count=1)
        with pytest.raises(grpc.RpcError, match="can't be a class") as refused:
            collection.make()
    assert code_and_reason(refused.value) == (grpc.StatusCode.FAILED_PRECONDITION, "LABEL_UNUSABLE")


def test_wrong_questions_are_refused(tmp_path: Path) -> None:
    with running_collection(tmp_path / "photos", f"sqlite:///{tmp_path / 'c.db'}") as collection:
        with pytest.raises(grpc.RpcError) as empty:
            collection.make()
        assert code_and_reason(empty.value) == (grpc.StatusCode.FAILED_PRECONDITION, "DATASET_EMPTY")
        for version in (0, 7):
            question = datasets_pb2.GetDatasetRequest(classifier=FRUITS, version=version)
            with pytest.raises(grpc.RpcError) as unknown:
                collection.datasets.GetDataset(question, timeout=SECONDS)
            assert code_and_reason(unknown.value) == (grpc.StatusCode.NOT_FOUND, "DATASET_UNKNOWN")
        with pytest.raises(grpc.RpcError) as wrong:
            fetch(collection, "../../etc/passwd")
        assert code_and_reason(wrong.value) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")


def test_of_two_who_make_a_version_at_the_same_moment_both_get_the_same(collection: Collection) -> None:
    fill(collection, "kiwi", "lime")
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda _: collection.make(), range(4)))
    assert {each.dataset.version for each in made} == {1}
    assert sum(each.is_new for each in made) == 1
    assert len({each.dataset.digest for each in made}) == 1


def test_a_photo_that_is_deleted_while_a_version_is_made_is_not_in_it(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *_ = fill(collection, "kiwi", "lime")
    count, deleted = records_module._counts, []

    def delete_first(members: object) -> object:
        if not deleted:
            deleted.append(collection.delete(first))
        return count(members)

    monkeypatch.setattr(records_module, "_counts", delete_first)
    version = collection.make().dataset
    assert deleted == [1]
    assert (version.version, version.deleted_count) == (1, 0)
    assert first not in {each.photo.photo_id for each in collection.members(1)}


def test_versions_refuse_to_be_changed_and_stand_in_the_audit(collection: Collection, engine: Engine) -> None:
    fill(collection, "kiwi", count=2)
    digest = collection.make(made_by="anna").dataset.digest
    for statement in (
        "UPDATE collection_datasets SET digest = 'x'",
        "UPDATE collection_dataset_photos SET label = 'lime'",
    ):
        with pytest.raises(DBAPIError, match=r"frozen|neither changed nor deleted"), engine.begin() as connection:
            connection.execute(text(statement))
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT who, subject, details FROM collection_audit WHERE action = 'dataset made'")
        ).all()
    ((who, subject, details),) = rows
    assert (who, subject) == ("anna", f"{FRUITS}@1")
    assert (details if isinstance(details, dict) else json.loads(details)) == {
        "by": "anna",
        "photos": 2,
        "digest": digest[:12],
    }


def test_a_collection_of_the_version_before_gets_versions(tmp_path: Path) -> None:
    """Its photos have no looks yet."""
    file = tmp_path / "collection.db"
    with running_collection(tmp_path / "photos", f"sqlite:///{file}") as collection:
        fill(collection, "kiwi", "lime")
    config, engine = Config(), create_engine(f"sqlite:///{file}")
    config.set_main_option("script_location", str(SCHEMA.migrations))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
    engine.dispose()
    with running_collection(tmp_path / "photos", f"sqlite:///{file}") as collection:
        collection.labelled(a("lime"), other_photo())
        made = collection.make().dataset
        assert sum(each.train_count + each.test_count for each in made.classes) == 7
