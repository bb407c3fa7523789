"""The collection service as a server: health, reflection, metrics, keys, and several calls at once."""

import sqlite3
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from verger.v1 import collection_pb2, datasets_pb2

from services.access.audit import Action, Entry
from services.access.database import open_database
from services.access.keys import Kind, Scope
from services.access.store import KeyStore
from services.collection.config import CollectionSettings
from services.collection.records.database import Database, write_entry
from services.collection.records.outbox import AuditOutbox
from services.collection.server import SCOPES, SERVICE_NAME, collection_server
from services.common.database import DatabaseUnusable
from tests.support.imports import imported_with
from tests.support.servers.collection_server import FRUITS, SECONDS, Collection, a, new_photo, running_collection
from tests.support.servers.mlflow_server import free_port
from tests.support.statuses import code_and_reason, metadata_of
from tests.support.waiting import wait_until

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


@dataclass
class Guarded:
    """A service that asks for keys, and the database of these."""

    collection: Collection
    store: KeyStore

    def call(self, method: str, request: object, *scopes: Scope, kind: Kind = Kind.CLIENT) -> object:
        name = f"key {len(self.store.load().keys or ())}"
        key = self.store.make(name, "anna", frozenset(scopes), None, kind).text
        metadata = [("authorization", f"Bearer {key}")]
        return self.collection.method(method)(request, metadata=metadata, timeout=SECONDS)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder: Path = tmp_path_factory.mktemp("guarded")
    keys = f"sqlite:///{folder / 'access.db'}"
    store = KeyStore(open_database(keys))
    database = f"sqlite:///{folder / 'collection.db'}"
    with running_collection(folder / "photos", database, access="keys", access_database_url=keys) as collection:
        yield Guarded(collection, store)
    store.close()


ADD = collection_pb2.AddPhotoRequest(classifier=FRUITS, source=collection_pb2.PHOTO_SOURCE_GRPC, image=new_photo())
LIST = collection_pb2.ListPhotosRequest(classifier=FRUITS)
DELETE = collection_pb2.DeletePhotosRequest(photo_ids=["0" * 32])


def test_every_method_has_a_scope() -> None:
    services = [file.services_by_name.values() for file in (collection_pb2.DESCRIPTOR, datasets_pb2.DESCRIPTOR)]
    methods = [method for found in services for service in found for method in service.methods]
    assert set(SCOPES) == {f"/{method.containing_service.full_name}/{method.name}" for method in methods}


@pytest.mark.parametrize(
    ("method", "request_", "scope"),
    [
        ("AddPhoto", ADD, Scope.FEEDBACK),
        ("ListPhotos", LIST, Scope.REVIEW),
        ("DeletePhotos", DELETE, Scope.ADMIN),
        ("ListDatasets", datasets_pb2.ListDatasetsRequest(classifier=FRUITS), Scope.TRAIN),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_key_needs_the_scope_of_the_call(guarded: Guarded, method: str, request_: object, scope: Scope) -> None:
    assert guarded.call(method, request_, scope)
    assert guarded.call(method, request_, Scope.ADMIN)
    others = [each for each in Scope if each not in (scope, Scope.ADMIN)]
    with pytest.raises(grpc.RpcError) as refused:
        guarded.call(method, request_, *others)
    assert code_and_reason(refused.value) == (grpc.StatusCode.PERMISSION_DENIED, "SCOPE_MISSING")
    assert metadata_of(refused.value) == {"scope": scope}
    with pytest.raises(grpc.RpcError) as refused:
        guarded.collection.method(method)(request_, timeout=SECONDS)
    assert code_and_reason(refused.value) == (grpc.StatusCode.UNAUTHENTICATED, "KEY_MISSING")


def test_a_reviewer_is_the_owner_of_the_key_unless_a_service_of_verger_names_one(guarded: Guarded) -> None:
    added = guarded.call("AddPhoto", ADD, Scope.FEEDBACK)
    for revision, (kind, who) in enumerate(((Kind.CLIENT, "anna"), (Kind.SERVICE, "ben"))):
        seen = collection_pb2.SeenPhoto(photo_id=added.photo_id, revision=revision)
        request = collection_pb2.LabelPhotosRequest(
            request_id=f"{kind}", photos=[seen], label=a("kiwi"), reviewer="ben"
        )
        guarded.call("LabelPhotos", request, Scope.REVIEW, kind=kind)
        got = guarded.call("GetPhoto", collection_pb2.GetPhotoRequest(photo_id=added.photo_id), Scope.REVIEW)
        assert got.photo.labelled_by == who


def test_changes_are_in_the_audit_of_keys_too(guarded: Guarded) -> None:
    added = guarded.call("AddPhoto", ADD, Scope.FEEDBACK)
    guarded.call("DeletePhotos", collection_pb2.DeletePhotosRequest(photo_ids=[added.photo_id]), Scope.ADMIN)

    def entries() -> list[Entry]:
        return [entry for entry in guarded.store.audit() if entry.subject == added.photo_id]

    wait_until(entries, what="the entry")
    (entry,) = entries()
    assert entry.action is Action.DELETE
    assert entry.who.startswith("key ")


def test_entries_wait_for_an_audit_that_is_away(address: str) -> None:
    sent: list[Entry] = []

    def fail(_: object) -> None:
        raise OSError("away")

    database = Database(address, sends_audit=True)
    with database.writing() as connection:
        for number in range(3):
            write_entry(connection, Entry("anna", "here", Action.LABEL, f"{number}", at=datetime.now(UTC)))
    with pytest.raises(OSError, match="away"):
        AuditOutbox(database, fail).send()
    outbox = AuditOutbox(database, sent.extend)
    assert [outbox.send(), outbox.send()] == [3, 0]
    assert [entry.subject for entry in sent] == ["0", "1", "2"]
    database.close()


def test_health_and_reflection_need_no_key(guarded: Guarded) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{guarded.collection.port}") as channel:
        health = health_pb2_grpc.HealthStub(channel)
        assert health.Check(health_pb2.HealthCheckRequest(service=SERVICE_NAME), timeout=30).status == SERVING
        assert SERVICE_NAME in ProtoReflectionDescriptorDatabase(channel).get_services()


def test_the_health_follows_the_database(tmp_path: Path) -> None:
    file = tmp_path / "database" / "collection.db"
    with (
        running_collection(tmp_path / "photos", f"sqlite:///{file}") as collection,
        grpc.insecure_channel(f"127.0.0.1:{collection.port}") as channel,
    ):
        health = health_pb2_grpc.HealthStub(channel)

        def status() -> int:
            return int(health.Check(health_pb2.HealthCheckRequest(service=SERVICE_NAME), timeout=30).status)

        wait_until(lambda: status() == SERVING, what="the start")
        added = collection.add()
        file.parent.rename(tmp_path / "away")
        file.parent.touch()  # where SQLite can't make a file
        wait_until(lambda: status() == NOT_SERVING, what="the end of the database")
        with pytest.raises(grpc.RpcError) as refused:
            collection.add()
        assert code_and_reason(refused.value) == (grpc.StatusCode.UNAVAILABLE, "COLLECTION_UNAVAILABLE")
        file.parent.unlink()
        (tmp_path / "away").rename(file.parent)
        wait_until(lambda: status() == SERVING, what="the return of the database")
        assert collection.ids() == [added.photo_id]


def test_metrics_count_photos_and_calls(tmp_path: Path) -> None:
    port = free_port()
    with running_collection(tmp_path / "photos", f"sqlite:///{tmp_path / 'c.db'}", metrics_port=port) as collection:
        collection.delete(collection.add().photo_id)
        metrics = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30).read().decode()
    assert 'verger_collection_photos_total{is_new="true",source="page"}' in metrics
    assert 'verger_collection_deleted_total{why="asked"}' in metrics
    assert 'verger_grpc_calls_total{code="OK",method="/verger.v1.CollectionService/AddPhoto"}' in metrics


def test_more_calls_than_places_are_refused_and_none_is_half_done(tmp_path: Path) -> None:
    with running_collection(
        tmp_path / "photos", f"sqlite:///{tmp_path / 'c.db'}", collection_max_in_flight=2
    ) as collection:
        calls = []
        for number in range(8):
            request = collection_pb2.AddPhotoRequest(request_id=f"answer-{number}", image=new_photo())
            request.MergeFrom(collection_pb2.AddPhotoRequest(classifier=FRUITS, source=1))
            calls.append(collection.stub.AddPhoto.future(request, timeout=SECONDS))
        outcomes = [call.exception(timeout=SECONDS) for call in calls]
        refused = [error for error in outcomes if error]
        assert {code_and_reason(error) for error in refused} == {(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")}
        assert len(collection.ids()) == 8 - len(refused) > 0


def test_a_message_that_is_none_and_a_call_without_one_are_refused(guarded: Guarded) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{guarded.collection.port}") as channel:
        key = guarded.store.make("raw", "anna", frozenset({Scope.ADMIN}), None).text
        for method in SCOPES:
            with pytest.raises(grpc.RpcError) as refused:
                channel.unary_unary(method)(b"\xff\xff", metadata=[("authorization", f"Bearer {key}")], timeout=30)
            assert code_and_reason(refused.value) == (grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_MALFORMED")


def test_an_update_of_the_database_by_a_newer_verger_is_refused_by_an_older_one(tmp_path: Path) -> None:
    file = tmp_path / "collection.db"
    with running_collection(tmp_path / "photos", f"sqlite:///{file}") as collection:
        collection.add()
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE collection_migrations SET version_num = '9999'")
    connection.close()
    with (
        running_collection(tmp_path / "photos", f"sqlite:///{file}") as collection,
        pytest.raises(grpc.RpcError) as refused,
    ):
        collection.add()
    assert code_and_reason(refused.value) == (grpc.StatusCode.UNAVAILABLE, "COLLECTION_UNAVAILABLE")


@pytest.mark.parametrize("address", ["mysql://verger@localhost/verger", "sqlite://", "nothing"])
async def test_an_address_of_no_database_is_refused_at_the_start(tmp_path: Path, address: str) -> None:
    settings = CollectionSettings(
        home=tmp_path, collection_port=0, collection_metrics_port=0, collection_database_url=address
    )
    with pytest.raises(DatabaseUnusable, match="VERGER_COLLECTION_DATABASE_URL"):
        async with collection_server(settings):
            pass


def test_the_service_loads_no_model_and_no_array_library() -> None:
    imported = imported_with("services.collection.__main__")
    assert not imported & {"numpy", "onnxruntime", "mlflow", "engine.model", "registry", "s3fs"}


def test_the_worker_process_loads_no_server() -> None:
    imported = imported_with("services.collection.photos.preparing")
    assert not imported & {"grpc", "sqlalchemy", "prometheus_client", "pydantic_settings", "fsspec"}
