"""Labels that reviewers decide: many at once, two reviewers at once, and taken back."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import grpc
import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs
from verger.v1 import collection_pb2

from tests.support.servers.collection_server import SECONDS, Collection, a, running_collection
from tests.support.statuses import code_and_reason

NONE = collection_pb2.Label(kind=collection_pb2.LABEL_KIND_NONE)


@pytest.fixture
def engine(address: str) -> Engine:
    """The database without Verger's code."""
    return create_engine(address.replace("postgresql:", "postgresql+psycopg:"))


def labels(collection: Collection) -> dict[str, tuple[str, int, str]]:
    listed = collection.listed().photos
    return {photo.photo_id: (photo.label.name, photo.revision, photo.labelled_by) for photo in listed}


def test_many_photos_get_a_label_at_once(collection: Collection) -> None:
    ids = [collection.add().photo_id for _ in range(3)]
    outcome = collection.label("decision-1", dict.fromkeys(ids[:2], 0), a("kiwi"), reviewer="anna")
    assert {(seen.photo_id, seen.revision) for seen in outcome.changed} == {(ids[0], 1), (ids[1], 1)}
    assert not outcome.conflicts
    assert labels(collection) == {ids[0]: ("kiwi", 1, "anna"), ids[1]: ("kiwi", 1, "anna"), ids[2]: ("", 0, "")}
    assert set(collection.ids(state=collection_pb2.REVIEW_STATE_LABELLED)) == set(ids[:2])
    assert collection.ids(state=collection_pb2.REVIEW_STATE_OPEN) == [ids[2]]
    assert set(collection.ids(label=a("kiwi"))) == set(ids[:2])
    assert collection.ids(label=NONE) == []


def test_a_label_that_somebody_has_changed_meanwhile_is_not_overwritten(collection: Collection) -> None:
    first, second = (collection.add().photo_id for _ in range(2))
    collection.label("decision-1", {first: 0}, a("kiwi"), reviewer="anna")
    outcome = collection.label("decision-2", {first: 0, second: 0, "0" * 32: 0}, a("lime"), reviewer="ben")
    assert [seen.photo_id for seen in outcome.changed] == [second]
    conflicts = {conflict.photo_id: conflict for conflict in outcome.conflicts}
    assert conflicts["0" * 32].is_deleted
    told = conflicts[first]
    assert (told.is_deleted, told.label, told.revision, told.labelled_by) == (False, a("kiwi"), 1, "anna")
    assert labels(collection)[first] == ("kiwi", 1, "anna")


def test_of_two_reviewers_at_the_same_moment_one_wins_each_photo(collection: Collection) -> None:
    ids = [collection.add().photo_id for _ in range(5)]
    barrier = Barrier(2)

    def decide(name: str) -> collection_pb2.LabelPhotosResponse:
        order = ids if name == "anna" else ids[::-1]
        barrier.wait(timeout=SECONDS)
        return collection.label(f"decision of {name}", dict.fromkeys(order, 0), a(name), reviewer=name)

    with ThreadPoolExecutor(2) as threads:
        outcomes = dict(zip(("anna", "ben"), threads.map(decide, ("anna", "ben")), strict=True))
    won = {seen.photo_id: name for name, outcome in outcomes.items() for seen in outcome.changed}
    assert sum(len(outcome.changed) for outcome in outcomes.values()) == len(won) == 5
    assert labels(collection) == {photo: (name, 1, name) for photo, name in won.items()}


def test_a_decision_that_is_sent_twice_is_made_once(collection: Collection) -> None:
    photo, gone = collection.add().photo_id, "0" * 32
    outcomes = [collection.label("decision-1", {photo: 0, gone: 0}, a("kiwi"), reviewer="anna") for _ in range(2)]
    assert outcomes[0] == outcomes[1]
    assert labels(collection)[photo] == ("kiwi", 1, "anna")
    with pytest.raises(grpc.RpcError) as refused:
        collection.label("decision-1", {photo: 1}, a("lime"))
    assert code_and_reason(refused.value) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")


def test_a_decision_is_taken_back_and_the_history_tells_all(collection: Collection) -> None:
    first, second = (collection.add().photo_id for _ in range(2))
    collection.label("decision-1", {first: 0}, NONE, reviewer="anna")
    collection.label("decision-2", {first: 1, second: 0}, a("kiwi"), reviewer="ben")
    assert {seen.photo_id for seen in collection.undo("undo-1", "decision-2").changed} == {first, second}
    assert not collection.photo(second).photo.HasField("label")
    got = collection.photo(first)
    assert got.photo.label == NONE
    told = [(change.decision_id, change.label.name, change.changed_by, change.revision) for change in got.history]
    assert told == [("decision-1", "", "anna", 1), ("decision-2", "kiwi", "ben", 2), ("undo-1", "", "anna", 3)]
    assert {seen.photo_id for seen in collection.undo("redo-1", "undo-1").changed} == {first, second}
    assert collection.photo(second).photo.label == a("kiwi")


def test_what_was_decided_anew_is_not_taken_back(collection: Collection) -> None:
    first, second = (collection.add().photo_id for _ in range(2))
    collection.label("decision-1", {first: 0, second: 0}, a("kiwi"))
    collection.label("decision-2", {first: 1}, a("lime"))
    outcome = collection.undo("undo-1", "decision-1")
    assert [seen.photo_id for seen in outcome.changed] == [second]
    assert [(each.photo_id, each.label) for each in outcome.conflicts] == [(first, a("lime"))]
    with pytest.raises(grpc.RpcError) as refused:
        collection.undo("undo-2", "decision-9")
    assert code_and_reason(refused.value) == (grpc.StatusCode.NOT_FOUND, "DECISION_UNKNOWN")


def test_histories_refuse_to_be_changed(collection: Collection, engine: Engine) -> None:
    photo = collection.add().photo_id
    collection.label("decision-1", {photo: 0}, a("kiwi"))
    for statement in (
        "UPDATE collection_labels SET label = 'lime'",
        "UPDATE collection_audit SET who = 'nobody'",
        "DELETE FROM collection_audit",
    ):
        with pytest.raises(DBAPIError, match="neither changed nor deleted"), engine.begin() as connection:
            connection.execute(text(statement))
    engine.dispose()


def test_changes_of_labels_and_deletions_are_in_the_audit_and_in_the_log(
    collection: Collection, engine: Engine
) -> None:
    ids = [collection.add().photo_id for _ in range(2)]
    with capture_logs() as lines:
        collection.label("decision-1", dict.fromkeys(ids, 0), a("kiwi"), reviewer="anna")
        collection.label("decision-1", dict.fromkeys(ids, 0), a("kiwi"), reviewer="anna")
        collection.undo("undo-1", "decision-1")
        collection.delete(ids[0])
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT action, who, subject, details FROM collection_audit ORDER BY id")).all()
    engine.dispose()
    assert [(row.action, row.who, row.subject) for row in rows] == [
        ("photos labelled", "anna", "decision-1"),
        ("labels undone", "anna", "undo-1"),
        ("photo deleted", "somebody", ids[0]),
    ]
    details = rows[0].details if isinstance(rows[0].details, dict) else json.loads(rows[0].details)
    assert details == {"by": "anna", "photos": 2, "label": "kiwi"}
    logged = [line["action"] for line in lines if line["event"] == "audit"]
    assert logged == ["photos labelled", "labels undone", "photo deleted"]


def test_wrong_questions_are_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("collection")
    with running_collection(folder / "photos", f"sqlite:///{folder / 'collection.db'}") as collection:
        photo = collection.add().photo_id
        for call in (
            lambda: collection.label("", {photo: 0}, a("kiwi")),
            lambda: collection.label("decision-1", {}, a("kiwi")),
            lambda: collection.label("decision-1", {photo: 0}, a("")),
            lambda: collection.label("decision-1", {photo: 0}, collection_pb2.Label()),
            lambda: collection.label("decision-1", {"../../etc/passwd": 0}, a("kiwi")),
            lambda: collection.label("decision-1", {f"{number:032x}": 0 for number in range(1001)}, a("kiwi")),
            lambda: collection.label("decision-1", {photo: 0}, a("kiwi"), reviewer="a\nb"),
            lambda: collection.delete(),
            lambda: collection.photo("x"),
            lambda: collection.listed(page_size=501),
            lambda: collection.listed(page_token="nothing"),
            lambda: collection.listed(classifier=""),
        ):
            with pytest.raises(grpc.RpcError) as refused:
                call()
            assert code_and_reason(refused.value) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")
