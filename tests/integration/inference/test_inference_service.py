"""The inference service on a real port, with a real registry behind it.

pytest-grpc starts synchronous servers. The fixture grpc_server overrides its own to start Verger's asynchronous one.
Its other fixtures (grpc_channel, grpc_stub) are used as they are.
"""

from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from verger.v1 import classifier_pb2, inference_pb2, inference_pb2_grpc

from engine.contract import CONTRACT_FILE, digest_of, read_contract
from services.inference.config import InferenceSettings
from services.inference.server import SERVICE_NAME, inference_server
from tests.support.background import in_background
from tests.support.servers.mlflow_server import MlflowServer, free_port
from tests.support.statuses import reason_of
from tests.support.tensors import pixels_tensor
from tests.support.tiny_model import tiny_version
from tests.support.waiting import wait_until

Stub = inference_pb2_grpc.InferenceServiceStub


@pytest.fixture(scope="module")
def grpc_addr() -> str:
    return f"127.0.0.1:{free_port()}"


@pytest.fixture(scope="module")
def grpc_server(grpc_addr: str, mlflow_server: MlflowServer, version_folder: Path) -> Iterator[None]:
    mlflow_server.register("colours", tiny_version(version_folder / "one"))
    settings = InferenceSettings(
        inference_port=int(grpc_addr.rsplit(":")[-1]),
        inference_metrics_port=0,
        mlflow_url=mlflow_server.url,
        model_name="colours",
        model_poll_seconds=0.1,
        model_cache_directory=version_folder / "cache",
    )
    with in_background(inference_server(settings)):
        yield


@pytest.fixture(scope="module")
def grpc_stub_cls() -> type[Stub]:
    return Stub


@pytest.fixture
def stub(grpc_stub: Stub, grpc_channel: grpc.Channel) -> Stub:
    wait_until(lambda: health_of(grpc_channel, SERVICE_NAME) == "SERVING", what="a live version")
    return grpc_stub


def health_of(channel: grpc.Channel, service: str) -> str:
    answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
    return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)


def red_request(stub: Stub, request_id: str = "", **changes: object) -> inference_pb2.InferRequest:
    spec = stub.GetModel(inference_pb2.GetModelRequest(), timeout=5).model.contract.preprocessing
    pixels = np.zeros((spec.height, spec.width, 3), np.uint8)
    pixels[..., 0] = 255
    request = inference_pb2.InferRequest(request_id=request_id, tensor=pixels_tensor(pixels))
    for name, value in changes.items():
        setattr(request, name, value)
    return request


def test_health_says_alive_and_ready(stub: Stub, grpc_channel: grpc.Channel) -> None:
    assert health_of(grpc_channel, "") == "SERVING"
    assert health_of(grpc_channel, SERVICE_NAME) == "SERVING"


def test_reflection_lists_the_service(stub: Stub, grpc_channel: grpc.Channel) -> None:
    services = ProtoReflectionDescriptorDatabase(grpc_channel).get_services()
    assert {SERVICE_NAME, "grpc.health.v1.Health"} <= set(services)


def test_the_model_is_described(stub: Stub, version_folder: Path) -> None:
    model = stub.GetModel(inference_pb2.GetModelRequest(), timeout=5).model
    assert (model.ref.name, model.ref.version) == ("colours", "1")
    assert model.contract == read_contract(version_folder / "one" / CONTRACT_FILE)


def test_a_tensor_is_classified(stub: Stub) -> None:
    (response,) = stub.Infer(iter([red_request(stub, "mine")]), timeout=5)
    assert response.request_id == "mine"
    assert response.compute_ms > 0
    answer = response.classification
    assert answer.verdict == classifier_pb2.VERDICT_RECOGNISED
    assert answer.predictions[0].label == "red"
    assert len(answer.predictions) == 3
    assert answer.model.version == "1"


def test_a_bad_tensor_in_a_stream_does_not_affect_the_others(stub: Stub) -> None:
    bad = red_request(stub, "bad")
    bad.tensor.shape[0] += 1
    responses = {
        r.request_id: r for r in stub.Infer(iter([red_request(stub, "a"), bad, red_request(stub, "b")]), timeout=5)
    }
    assert reason_of(responses["bad"].error) == "TENSOR_SHAPE_MISMATCH"
    assert [responses[i].classification.predictions[0].label for i in ("a", "b")] == ["red", "red"]


def test_a_stream_of_a_hundred_tensors_is_answered(stub: Stub) -> None:
    request = red_request(stub)
    ids = [str(number) for number in range(100)]
    requests = (inference_pb2.InferRequest(request_id=i, tensor=request.tensor, top_k=1) for i in ids)
    responses = list(stub.Infer(requests, timeout=30))
    assert sorted(response.request_id for response in responses) == sorted(ids)
    assert all(len(response.classification.predictions) == 1 for response in responses)


def test_a_tensor_preprocessed_for_another_version_is_refused(stub: Stub) -> None:
    (response,) = stub.Infer(iter([red_request(stub, preprocessing_digest="0" * 64)]), timeout=5)
    assert reason_of(response.error) == "PREPROCESSING_MISMATCH"
    spec = stub.GetModel(inference_pb2.GetModelRequest(), timeout=5).model.contract.preprocessing
    (response,) = stub.Infer(iter([red_request(stub, preprocessing_digest=digest_of(spec))]), timeout=5)
    assert response.HasField("classification")


def test_a_request_id_that_is_too_long_is_refused(stub: Stub) -> None:
    (response,) = stub.Infer(iter([red_request(stub, "x" * 129)]), timeout=5)
    assert reason_of(response.error) == "REQUEST_ID_TOO_LONG"
