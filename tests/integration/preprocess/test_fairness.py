"""What one client can take from another: nothing. Preprocess is real, and inference is as slow as a test wants it."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import grpc
import pytest
from verger.v1 import classifier_pb2, model_pb2

from engine.contract import CONTRACT_FILE, read_contract
from tests.support.background import in_background
from tests.support.pictures.photos import encoded, plain
from tests.support.servers.mlflow_server import free_port
from tests.support.servers.scripted_inference import ScriptedInference, preprocess, scripted_server
from tests.support.statuses import code_and_reason
from tests.support.tiny_model import tiny_version
from tests.support.waiting import wait_until

PHOTO = classifier_pb2.ClassifyRequest(image=encoded(plain()))
PLACES = 8


@pytest.fixture
def contract(tmp_path: Path) -> model_pb2.ModelContract:
    return read_contract(tiny_version(tmp_path) / CONTRACT_FILE)


def test_busy_streams_leave_places_for_single_calls(contract: model_pb2.ModelContract) -> None:
    servicer, port = ScriptedInference(contract, seconds=0.05), free_port()

    def answer_all(stream: Iterator[classifier_pb2.ClassifyResponse]) -> None:
        with suppress(grpc.RpcError):  # the cancellation below
            for answer in stream:
                assert answer.HasField("classification")

    with in_background(scripted_server(servicer, port)), preprocess(port, preprocess_max_in_flight=PLACES) as stub:
        streams = [stub.ClassifyStream(itertools.repeat(PHOTO)) for _ in range(12)]
        readers = [threading.Thread(target=answer_all, args=[stream]) for stream in streams]
        for reader in readers:
            reader.start()
        wait_until(lambda: servicer.started > 4 * PLACES, what="busy streams")
        before = servicer.started
        for _ in range(20):
            assert stub.Classify(PHOTO, timeout=30).HasField("classification")
        assert servicer.started > before + 2 * 20, "streams are answered, too"
        for stream in streams:
            stream.cancel()
        for reader in readers:
            reader.join()


def test_many_calls_of_one_user_do_not_shut_out_another_user_of_the_same_peer(
    contract: model_pb2.ModelContract,
) -> None:
    servicer, port = ScriptedInference(contract, seconds=1), free_port()
    with in_background(scripted_server(servicer, port)), preprocess(port, preprocess_max_in_flight=PLACES) as stub:

        def call_as(user: str) -> grpc.Future:
            return stub.Classify.future(PHOTO, timeout=30, metadata=(("x-forwarded-for", user),))

        accepted = [call_as("192.0.2.1") for _ in range(PLACES)]
        wait_until(lambda: servicer.started == PLACES, what="all places taken")
        with pytest.raises(grpc.RpcError) as refusal:
            call_as("192.0.2.1").result()
        assert code_and_reason(refusal.value) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
        assert call_as("192.0.2.2").result().HasField("classification")
        assert all(call.result().HasField("classification") for call in accepted)


def test_a_photo_over_the_limit_is_the_senders_fault_and_not_an_overload(contract: model_pb2.ModelContract) -> None:
    port = free_port()
    with in_background(scripted_server(ScriptedInference(contract), port)), preprocess(port) as stub:
        too_large = classifier_pb2.ClassifyRequest(image=PHOTO.image + bytes(39 * 2**20))
        with pytest.raises(grpc.RpcError) as refusal:
            stub.Classify(too_large, timeout=30)
        assert code_and_reason(refusal.value) == (grpc.StatusCode.INVALID_ARGUMENT, "IMAGE_TOO_LARGE")
        (answer,) = stub.ClassifyStream(iter([too_large]), timeout=30)
        assert answer.error.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
        assert stub.Classify(PHOTO, timeout=30).HasField("classification")
