"""The preprocess service on a real port, with a real inference service and a real registry behind it."""

import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf import descriptor_pool, message_factory
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from verger.v1 import classifier_pb2, classifier_pb2_grpc

from engine.classifier import load
from services.inference.config import InferenceSettings
from services.inference.server import inference_server
from services.preprocess.config import PreprocessSettings
from services.preprocess.server import SERVICE_NAME, preprocess_server
from tests.support.background import in_background
from tests.support.pictures.photos import BLUE, GREEN, RED, encoded, plain, scene
from tests.support.servers.mlflow_server import MlflowServer, free_port
from tests.support.statuses import code_and_reason
from tests.support.tiny_model import tiny_version
from tests.support.waiting import wait_until

Stub = classifier_pb2_grpc.ClassifierServiceStub
Request = classifier_pb2.ClassifyRequest
NAME = "chain"


@pytest.fixture(scope="module")
def inference_target(mlflow_server: MlflowServer, version_folder: Path) -> Iterator[str]:
    mlflow_server.register(NAME, tiny_version(version_folder / "one"))
    settings = InferenceSettings(
        inference_port=0,
        inference_metrics_port=0,
        mlflow_url=mlflow_server.url,
        model_name=NAME,
        model_poll_seconds=0.1,
        model_cache_directory=version_folder / "cache",
    )
    with in_background(inference_server(settings)) as server:
        yield f"127.0.0.1:{server.port}"


@pytest.fixture(scope="module")
def grpc_addr() -> str:
    return f"127.0.0.1:{free_port()}"


@pytest.fixture(scope="module")
def grpc_server(grpc_addr: str, inference_target: str) -> Iterator[None]:
    settings = PreprocessSettings(
        preprocess_port=int(grpc_addr.rsplit(":")[-1]),
        preprocess_metrics_port=0,
        inference_target=inference_target,
        max_image_bytes=200_000,
        max_image_pixels=1_000_000,
    )
    with in_background(preprocess_server(settings)):
        yield


@pytest.fixture(scope="module")
def grpc_stub_cls() -> type[Stub]:
    return Stub


@pytest.fixture
def stub(grpc_stub: Stub, grpc_channel: grpc.Channel) -> Stub:
    health = health_pb2_grpc.HealthStub(grpc_channel)
    check = health_pb2.HealthCheckRequest(service=SERVICE_NAME)
    wait_until(lambda: health.Check(check, timeout=5).status == health_pb2.HealthCheckResponse.SERVING)
    return grpc_stub


@pytest.mark.parametrize(("color", "label"), [(RED, "red"), (GREEN, "green"), (BLUE, "blue")])
def test_a_photo_is_classified(stub: Stub, color: tuple[int, int, int], label: str) -> None:
    response = stub.Classify(Request(request_id="mine", image=encoded(plain(color))), timeout=10)
    assert response.request_id == "mine"
    assert response.classification.predictions[0].label == label
    assert response.classification.model.name == NAME
    assert sum(p.probability for p in response.classification.predictions) == pytest.approx(1, abs=1e-5)
    assert response.timings.decode_ms > 0
    assert response.timings.compute_ms > 0


def test_the_engine_gives_the_same_answer_in_one_call(stub: Stub, version_folder: Path) -> None:
    photo = encoded(scene())
    answer = stub.Classify(Request(image=photo, include_evidence=True), timeout=10).classification
    expected = load(version_folder / "one").classify(photo, include_evidence=True)
    expected.model.CopyFrom(answer.model)
    assert answer == expected


def test_evidence_shows_which_part_speaks_for_the_answer(stub: Stub) -> None:
    photo = plain(GREEN)
    photo.paste((0, 0, 0), (0, 0, 32, 48))
    request = Request(image=encoded(photo), include_evidence=True)
    evidence = stub.Classify(request, timeout=10).classification.evidence
    rows = [list(evidence.strength[row : row + 4]) for row in range(0, 16, 4)]
    assert all(left < 50 and right > 200 for left, *_, right in rows)
    assert not stub.Classify(Request(image=encoded(photo)), timeout=10).classification.HasField("evidence")


def test_a_request_without_an_id_gets_one(stub: Stub) -> None:
    assert stub.Classify(Request(image=encoded(plain())), timeout=10).request_id


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (Request(), "IMAGE_EMPTY"),
        (Request(image=b"hello"), "IMAGE_FORMAT_UNSUPPORTED"),
        (Request(image=encoded(plain())[:300]), "IMAGE_TRUNCATED"),
        (Request(image=b"x" * 200_001), "IMAGE_TOO_LARGE"),
        (Request(image=encoded(plain(size=(1001, 1000)), "PNG")), "IMAGE_TOO_MANY_PIXELS"),
        (Request(image=encoded(plain()), request_id="x" * 129), "REQUEST_ID_TOO_LONG"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_requests_are_refused_with_a_reason(stub: Stub, request_: Request, reason: str) -> None:
    with pytest.raises(grpc.RpcError) as refusal:
        stub.Classify(request_, timeout=10)
    assert code_and_reason(refusal.value) == (grpc.StatusCode.INVALID_ARGUMENT, reason)
    assert len(refusal.value.details()) > 20


def test_grpc_refuses_a_message_over_its_limit_and_the_server_keeps_answering(stub: Stub) -> None:
    with pytest.raises(grpc.RpcError) as refusal:
        stub.Classify(Request(image=b"x" * 15_000_000), timeout=10)
    assert refusal.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert stub.Classify(Request(image=encoded(plain())), timeout=10).HasField("classification")


def test_a_bad_photo_in_a_stream_does_not_affect_the_others(stub: Stub) -> None:
    photos = {"red": encoded(plain(RED)), "bad": b"hello", "blue": encoded(plain(BLUE))}
    requests = iter([Request(request_id=name, image=photo, top_k=1) for name, photo in photos.items()])
    answers = {answer.request_id: answer for answer in stub.ClassifyStream(requests, timeout=20)}
    assert answers["red"].classification.predictions[0].label == "red"
    assert answers["blue"].classification.predictions[0].label == "blue"
    assert answers["bad"].error.code == 3
    assert not answers["bad"].HasField("timings")


def test_every_photo_of_a_long_stream_is_answered(stub: Stub) -> None:
    photo = encoded(plain())
    requests = (Request(request_id=str(number), image=photo) for number in range(200))
    answers = [answer.request_id for answer in stub.ClassifyStream(requests, timeout=60)]
    assert sorted(answers, key=int) == [str(number) for number in range(200)]


def test_the_classifier_describes_itself(stub: Stub) -> None:
    described = stub.DescribeClassifier(classifier_pb2.DescribeClassifierRequest(), timeout=10)
    assert [info.label for info in described.model.contract.classes] == ["red", "green", "blue"]
    assert described.limits.max_bytes == 200_000
    assert described.limits.max_pixels == 1_000_000
    assert "image/jpeg" in described.limits.media_types


def test_a_client_without_proto_files_can_call(stub: Stub, grpc_channel: grpc.Channel) -> None:
    """The client gets the services and message types by reflection, as grpcurl does."""
    database = ProtoReflectionDescriptorDatabase(grpc_channel)
    assert {SERVICE_NAME, "grpc.health.v1.Health"} <= set(database.get_services())
    pool = descriptor_pool.DescriptorPool(database)
    method = pool.FindServiceByName(SERVICE_NAME).FindMethodByName("Classify")
    request_type = message_factory.GetMessageClass(method.input_type)
    response_type = message_factory.GetMessageClass(method.output_type)
    call = grpc_channel.unary_unary(
        f"/{SERVICE_NAME}/Classify", request_type.SerializeToString, response_type.FromString
    )
    answer = call(request_type(image=encoded(plain(GREEN)), top_k=1), timeout=10)
    assert answer.classification.predictions[0].label == "green"


def test_a_new_version_with_another_input_size_needs_no_restart(
    stub: Stub, mlflow_server: MlflowServer, version_folder: Path
) -> None:
    before = stub.Classify(Request(image=encoded(plain(RED))), timeout=10).classification.model.version
    seen: list[str] = []
    stop = threading.Event()

    def keep_calling() -> None:
        while not stop.is_set():
            answer = stub.Classify(Request(image=encoded(plain(RED))), timeout=10).classification
            assert answer.predictions[0].label == "red"
            seen.append(answer.model.version)

    caller = threading.Thread(target=keep_calling)
    caller.start()
    try:
        after = mlflow_server.register(NAME, tiny_version(version_folder / "two", size=48))
        wait_until(lambda: after in seen or not caller.is_alive(), what="the new version answering")
    finally:
        stop.set()
        caller.join()
    assert set(seen) == {before, after}
