"""The preprocess service that limits what keys and addresses may send, with a real database; inference is scripted."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from verger.oip import open_inference_pb2, open_inference_pb2_grpc
from verger.v1 import classifier_pb2, classifier_pb2_grpc

from engine.contract import CONTRACT_FILE, read_contract
from services.access.database import open_database
from services.access.keys import Kind, Scope
from services.access.store import KeyStore
from services.common.rpc.statuses import DETAILS_METADATA_KEY
from tests.support.background import in_background
from tests.support.pictures.photos import encoded, plain
from tests.support.servers.mlflow_server import free_port
from tests.support.servers.scripted_inference import ScriptedInference, preprocess_server_for, scripted_server
from tests.support.statuses import code_and_reason, metadata_of
from tests.support.tiny_model import tiny_version

PHOTO = classifier_pb2.ClassifyRequest(image=encoded(plain()))
CLASSIFY = frozenset({Scope.CLASSIFY})
LIMITS = {"key_photos_per_minute": 4, "address_photos_per_minute": 2, "key_calls_at_once": 2}
EXHAUSTED = (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUOTA_EXCEEDED")

Stub = classifier_pb2_grpc.ClassifierServiceStub
Metadata = list[tuple[str, str]]


class System:
    """A preprocess service that trusts one proxy, and the database of its keys."""

    def __init__(self, store: KeyStore, port: int) -> None:
        self.store, self.port = store, port

    def key(self, kind: Kind = Kind.CLIENT) -> Metadata:
        name = f"key {len(self.store.load().keys or ())}"
        return [("authorization", f"Bearer {self.store.make(name, 'anna', CLASSIFY, None, kind).text}")]

    def channel(self) -> grpc.Channel:
        return grpc.insecure_channel(f"127.0.0.1:{self.port}")


def system_at(folder: Path, **options: str) -> Iterator[System]:
    address, port = f"sqlite:///{folder / 'access.db'}", free_port()
    store = KeyStore(open_database(address))
    inference = ScriptedInference(read_contract(tiny_version(folder) / CONTRACT_FILE))
    settings = {"access": "keys", "access_database_url": address, "public_scopes": "classify", **LIMITS, **options}
    with (
        in_background(scripted_server(inference, port)),
        in_background(preprocess_server_for(port, **settings)) as server,
    ):
        yield System(store, server.port)
    store.close()


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    yield from system_at(tmp_path_factory.mktemp("quotas"))


@pytest.fixture
def behind_nothing(tmp_path: Path) -> Iterator[System]:
    yield from system_at(tmp_path, trusted_proxies="192.0.2.0/24")


def outcome(stub: Stub, metadata: Metadata) -> str:
    try:
        stub.Classify(PHOTO, metadata=metadata, timeout=60)
    except grpc.RpcError as refused:
        return code_and_reason(refused)[1]
    return ""


def test_a_key_that_has_sent_its_photos_is_told_when_to_come_back(system: System) -> None:
    key = system.key()
    with system.channel() as channel:
        assert [outcome(Stub(channel), key) for _ in range(4)] == [""] * 4
        with pytest.raises(grpc.RpcError) as refused:
            Stub(channel).Classify(PHOTO, metadata=key, timeout=60)
        assert outcome(Stub(channel), system.key()) == ""
    assert code_and_reason(refused.value) == EXHAUSTED
    assert metadata_of(refused.value) == {"quota": "photos"}
    trailing = dict(refused.value.trailing_metadata())
    policy = '"photos";q=4;w=60, "calls";q=2;qu="concurrent-requests"'
    assert trailing["ratelimit-policy"] == policy
    assert trailing["ratelimit"].startswith('"photos";r=0;t=')
    assert trailing["grpc-retry-pushback-ms"] == "-1"
    retry = error_details_pb2.RetryInfo()
    details = status_pb2.Status.FromString(trailing[DETAILS_METADATA_KEY]).details
    assert any(detail.Unpack(retry) for detail in details)
    assert 0 < retry.retry_delay.seconds <= 60


def test_a_photo_of_a_stream_that_is_too_much_gets_an_error_and_the_stream_goes_on(system: System) -> None:
    key = system.key()
    with system.channel() as channel:
        answers = list(Stub(channel).ClassifyStream(iter([PHOTO] * 6), metadata=key, timeout=60))
    assert [answer.HasField("classification") for answer in answers].count(True) == 4
    assert {answer.error.message[:37] for answer in answers if answer.HasField("error")} == {
        "This key may send 4 photos a minute. "
    }


def test_a_stream_is_one_call_and_gives_its_place_back(system: System) -> None:
    key = system.key()
    with system.channel() as channel:
        streams = [Stub(channel).ClassifyStream(iter([PHOTO]), metadata=key, timeout=60) for _ in range(2)]
        assert [len(list(stream)) for stream in streams] == [1, 1]
        assert outcome(Stub(channel), key) == ""


def test_what_web_sends_is_not_counted_again(system: System) -> None:
    key = system.key(Kind.SERVICE)
    with system.channel() as channel:
        assert [outcome(Stub(channel), key) for _ in range(6)] == [""] * 6


def test_a_trusted_proxy_says_whose_call_it_is(system: System) -> None:
    with system.channel() as channel:
        for name in ("198.51.100.1", "198.51.100.2", "no:address at all"):
            metadata = [("x-forwarded-for", f"203.0.113.5, {name}")]
            assert [outcome(Stub(channel), metadata) for _ in range(3)] == ["", "", "QUOTA_EXCEEDED"]


def test_who_is_no_trusted_proxy_counts_for_its_own_address_whatever_it_claims(behind_nothing: System) -> None:
    with behind_nothing.channel() as channel:
        claims = [[("x-forwarded-for", f"198.51.100.{number}")] for number in range(3)]
        assert [outcome(Stub(channel), claim) for claim in claims] == ["", "", "QUOTA_EXCEEDED"]


def test_a_description_is_not_counted(system: System) -> None:
    key = system.key()
    with system.channel() as channel:
        for _ in range(6):
            Stub(channel).DescribeClassifier(classifier_pb2.DescribeClassifierRequest(), metadata=key, timeout=60)
        assert outcome(Stub(channel), key) == ""


def test_a_batch_counts_as_its_photos_and_is_refused_as_a_whole(system: System) -> None:
    key = system.key()
    with system.channel() as channel:
        infer = open_inference_pb2_grpc.GRPCInferenceServiceStub(channel).ModelInfer
        assert outcome(Stub(channel), key) == ""
        with pytest.raises(grpc.RpcError) as refused:
            infer(batch(4), metadata=key, timeout=60)
        assert code_and_reason(refused.value) == EXHAUSTED
        assert [outcome(Stub(channel), key) for _ in range(4)] == ["", "", "", "QUOTA_EXCEEDED"]


def batch(count: int) -> open_inference_pb2.ModelInferRequest:
    request = open_inference_pb2.ModelInferRequest()
    request.inputs.add(name="image", datatype="BYTES", shape=[count]).contents.bytes_contents.extend(
        [PHOTO.image] * count
    )
    return request
