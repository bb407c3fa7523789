"""What callers of preprocess see while inference is unavailable, overloaded or unsupported."""

import time
from pathlib import Path

import grpc
import pytest
from verger.v1 import classifier_pb2, model_pb2

from engine.contract import CONTRACT_FILE, read_contract
from services.common.rpc.metrics import CALLS
from tests.support.background import in_background
from tests.support.pictures.photos import encoded, plain
from tests.support.servers.mlflow_server import free_port
from tests.support.servers.scripted_inference import ScriptedInference, preprocess, scripted_server
from tests.support.statuses import code_and_reason
from tests.support.tiny_model import tiny_version
from tests.support.waiting import wait_until

PHOTO = classifier_pb2.ClassifyRequest(image=encoded(plain()))


@pytest.fixture
def contract(tmp_path: Path) -> model_pb2.ModelContract:
    return read_contract(tiny_version(tmp_path) / CONTRACT_FILE)


def test_callers_learn_before_their_deadline_that_inference_is_unavailable(contract: model_pb2.ModelContract) -> None:
    with preprocess(free_port(), request_timeout_seconds=1) as stub:
        with pytest.raises(grpc.RpcError) as refusal:
            stub.Classify(PHOTO, timeout=8)
        assert code_and_reason(refusal.value) == (grpc.StatusCode.UNAVAILABLE, "INFERENCE_UNAVAILABLE")


def test_a_call_waits_while_inference_restarts(contract: model_pb2.ModelContract) -> None:
    port = free_port()
    with preprocess(port) as stub:
        with in_background(scripted_server(ScriptedInference(contract), port)):
            stub.Classify(PHOTO, timeout=10)
        waiting = stub.Classify.future(PHOTO, timeout=10)
        time.sleep(0.5)
        assert not waiting.done()
        with in_background(scripted_server(ScriptedInference(contract), port)):
            assert waiting.result().HasField("classification")


def test_requests_over_the_limit_are_refused_at_once(contract: model_pb2.ModelContract) -> None:
    servicer, port = ScriptedInference(contract, seconds=1), free_port()
    with in_background(scripted_server(servicer, port)), preprocess(port, preprocess_max_in_flight=2) as stub:
        accepted = [stub.Classify.future(PHOTO, timeout=10) for _ in range(2)]
        wait_until(lambda: servicer.started == 2)
        with pytest.raises(grpc.RpcError) as refusal:
            stub.Classify(PHOTO, timeout=10)
        assert code_and_reason(refusal.value) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
        assert all(call.result().HasField("classification") for call in accepted)
        assert stub.Classify(PHOTO, timeout=10).HasField("classification")


AHEAD = 10
"""Photos that a cancelled one waits behind."""


def test_a_cancelled_request_is_not_computed(contract: model_pb2.ModelContract) -> None:
    servicer, port = ScriptedInference(contract, seconds=0), free_port()
    with in_background(scripted_server(servicer, port)), preprocess(port, preprocess_workers=1) as stub:
        stub.Classify(PHOTO, timeout=10)
        # A sequential JPEG is light, however large it is: it keeps the only thread busy.
        slow = classifier_pb2.ClassifyRequest(image=encoded(plain(size=(7500, 7500)), "JPEG"))
        ahead = [stub.Classify.future(slow, timeout=20) for _ in range(AHEAD)]
        cancelled = stub.Classify.future(PHOTO, timeout=20)
        time.sleep(0.1)
        cancelled.cancel()
        assert all(call.result().HasField("classification") for call in ahead)
        time.sleep(0.2)
        assert servicer.started == 1 + AHEAD


def test_callers_learn_that_the_contract_is_unsupported(contract: model_pb2.ModelContract) -> None:
    contract.preprocessing.code_version = 99
    port = free_port()
    with in_background(scripted_server(ScriptedInference(contract), port)), preprocess(port) as stub:
        with pytest.raises(grpc.RpcError) as refusal:
            stub.Classify(PHOTO, timeout=10)
        assert code_and_reason(refusal.value) == (grpc.StatusCode.FAILED_PRECONDITION, "CONTRACT_UNSUPPORTED")
        assert "code_version 99" in refusal.value.details()


def test_an_error_of_inference_is_not_retried_by_the_caller_of_preprocess(contract: model_pb2.ModelContract) -> None:
    """The caller's channel has the same retry policy as all channels, but each call must reach preprocess only once."""
    with preprocess(free_port(), request_timeout_seconds=0.5) as stub:
        started = CALLS.labels("/verger.v1.ClassifierService/Classify", "UNAVAILABLE")._value.get()
        with pytest.raises(grpc.RpcError):
            stub.Classify(PHOTO, timeout=8)
    # A call is counted after its answer was sent. Once the server has stopped, all calls are counted.
    assert CALLS.labels("/verger.v1.ClassifierService/Classify", "UNAVAILABLE")._value.get() == started + 1
