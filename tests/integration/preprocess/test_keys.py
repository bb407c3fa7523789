"""The preprocess service that asks for keys, with a real database; inference is scripted."""

import queue
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from verger.oip import open_inference_pb2, open_inference_pb2_grpc
from verger.v1 import classifier_pb2, classifier_pb2_grpc

from engine.contract import CONTRACT_FILE, read_contract
from services.access.database import open_database
from services.access.keys import Scope, new_secret
from services.access.store import KeyStore
from services.common.oip.servicer import CONTROL_METHODS
from services.preprocess.server import SCOPES
from tests.support.background import in_background
from tests.support.pictures.photos import encoded, plain
from tests.support.servers.mlflow_server import free_port
from tests.support.servers.scripted_inference import (
    ScriptedInference,
    preprocess,
    preprocess_server_for,
    scripted_server,
)
from tests.support.statuses import code_and_reason, metadata_of
from tests.support.tiny_model import tiny_version
from tests.support.waiting import wait_until

PHOTO = classifier_pb2.ClassifyRequest(image=encoded(plain()))
DESCRIBE = classifier_pb2.DescribeClassifierRequest()


@dataclass
class System:
    """A channel to preprocess, and the database of its keys."""

    channel: grpc.Channel
    store: KeyStore

    @property
    def stub(self) -> classifier_pb2_grpc.ClassifierServiceStub:
        return classifier_pb2_grpc.ClassifierServiceStub(self.channel)

    def key(self, *scopes: Scope) -> str:
        name = f"key {len(self.store.load().keys or ())}"
        return self.store.make(name, "anna", frozenset(scopes), None).text


def bearer(key: str) -> list[tuple[str, str]]:
    return [("authorization", f"Bearer {key}")]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder: Path = tmp_path_factory.mktemp("keys")
    address, port = f"sqlite:///{folder / 'access.db'}", free_port()
    store = KeyStore(open_database(address))
    inference = ScriptedInference(read_contract(tiny_version(folder) / CONTRACT_FILE))
    settings = {"access": "keys", "access_database_url": address}
    with (
        in_background(scripted_server(inference, port)),
        in_background(preprocess_server_for(port, **settings)) as server,
        grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        yield System(channel, store)
    store.close()


def test_every_method_has_a_scope() -> None:
    own = classifier_pb2.DESCRIPTOR.services_by_name["ClassifierService"]
    open_inference = open_inference_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"]
    methods = {f"/{service.full_name}/{name}" for service in (own, open_inference) for name in service.methods_by_name}
    assert set(SCOPES) == methods | {f"/{open_inference.full_name}/{name}" for name in CONTROL_METHODS}


def test_the_open_inference_protocol_asks_for_the_same_keys_except_for_probes(system: System) -> None:
    stub, key = open_inference_pb2_grpc.GRPCInferenceServiceStub(system.channel), bearer(system.key(Scope.CLASSIFY))
    assert stub.ServerLive(open_inference_pb2.ServerLiveRequest(), timeout=30).live
    assert stub.ServerReady(open_inference_pb2.ServerReadyRequest(), timeout=30).ready
    assert stub.ServerMetadata(open_inference_pb2.ServerMetadataRequest(), timeout=30).name == "verger"
    unkeyed = (grpc.StatusCode.UNAUTHENTICATED, "KEY_MISSING")
    for call, request in (
        (stub.ModelReady, open_inference_pb2.ModelReadyRequest()),
        (stub.ModelMetadata, open_inference_pb2.ModelMetadataRequest()),
        (stub.ModelInfer, open_inference_pb2.ModelInferRequest()),
    ):
        with pytest.raises(grpc.RpcError) as refused:
            call(request, timeout=30)
        assert code_and_reason(refused.value) == unkeyed
    assert stub.ModelReady(open_inference_pb2.ModelReadyRequest(), metadata=key, timeout=30).ready
    with pytest.raises(grpc.RpcError) as refused:
        stub.ModelInfer(open_inference_pb2.ModelInferRequest(model_name="other"), metadata=key, timeout=30)
    assert code_and_reason(refused.value) == (grpc.StatusCode.NOT_FOUND, "MODEL_UNKNOWN")


def test_a_call_with_a_key_is_answered(system: System) -> None:
    metadata = bearer(system.key(Scope.CLASSIFY))
    assert system.stub.Classify(PHOTO, metadata=metadata, timeout=30).HasField("classification")
    assert system.stub.DescribeClassifier(DESCRIBE, metadata=metadata, timeout=30).HasField("model")
    (answer,) = system.stub.ClassifyStream(iter([PHOTO]), metadata=metadata, timeout=30)
    assert answer.HasField("classification")


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ([], "KEY_MISSING"),
        ([("authorization", "Basic dmVyZ2VyOnZlcmdlcg==")], "KEY_MISSING"),
        ([*bearer("a"), *bearer("b")], "KEY_MISSING"),
        (bearer(new_secret().text), "KEY_UNKNOWN"),
    ],
    ids=["none", "another scheme", "two", "unknown"],
)
def test_a_call_without_a_valid_key_is_refused(system: System, metadata: list[tuple[str, str]], reason: str) -> None:
    calls = [
        lambda: system.stub.Classify(PHOTO, metadata=metadata, timeout=30),
        lambda: list(system.stub.ClassifyStream(iter([PHOTO]), metadata=metadata, timeout=30)),
        lambda: system.stub.DescribeClassifier(DESCRIBE, metadata=metadata, timeout=30),
    ]
    for call in calls:
        with pytest.raises(grpc.RpcError) as refused:
            call()
        assert code_and_reason(refused.value) == (grpc.StatusCode.UNAUTHENTICATED, reason)


def test_where_classification_is_public_a_call_needs_no_key_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    inference, port = ScriptedInference(read_contract(tiny_version(tmp_path) / CONTRACT_FILE)), free_port()
    address = f"sqlite:///{tmp_path / 'access.db'}"
    settings = {"access": "keys", "access_database_url": address, "public_scopes": "classify"}
    with in_background(scripted_server(inference, port)), preprocess(port, **settings) as stub:
        assert stub.Classify(PHOTO, timeout=30).HasField("classification")
        with pytest.raises(grpc.RpcError) as refused:
            stub.Classify(PHOTO, metadata=bearer(new_secret().text), timeout=30)
    assert code_and_reason(refused.value) == (grpc.StatusCode.UNAUTHENTICATED, "KEY_UNKNOWN")


def test_a_key_without_the_scope_is_told_which_one_it_lacks(system: System) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        system.stub.Classify(PHOTO, metadata=bearer(system.key(Scope.PROMOTE)), timeout=30)
    assert code_and_reason(refused.value) == (grpc.StatusCode.PERMISSION_DENIED, "SCOPE_MISSING")
    assert metadata_of(refused.value) == {"scope": "classify"}


def test_a_stream_ends_soon_after_its_key_was_revoked(system: System) -> None:
    key = system.key(Scope.CLASSIFY)
    photos: queue.SimpleQueue[classifier_pb2.ClassifyRequest] = queue.SimpleQueue()
    answers = system.stub.ClassifyStream(iter(photos.get, None), metadata=bearer(key), timeout=120)
    photos.put(PHOTO)
    assert next(answers).HasField("classification")
    system.store.revoke(key.split("_")[1])
    ended: list[grpc.RpcError] = []

    def has_ended() -> bool:
        photos.put(PHOTO)
        try:
            next(answers)
        except grpc.RpcError as error:
            ended.append(error)
        return bool(ended)

    wait_until(has_ended, what="the end of the stream")
    assert code_and_reason(ended[0]) == (grpc.StatusCode.UNAUTHENTICATED, "KEY_REVOKED")


def test_health_and_reflection_need_no_key(system: System) -> None:
    health = health_pb2_grpc.HealthStub(system.channel)
    assert health.Check(health_pb2.HealthCheckRequest(), timeout=30).status == health_pb2.HealthCheckResponse.SERVING
    services = ProtoReflectionDescriptorDatabase(system.channel).get_services()
    assert "verger.v1.ClassifierService" in services
