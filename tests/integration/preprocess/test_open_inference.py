"""The Open Inference Protocol of preprocess, with a real inference service and a real registry behind it."""

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import grpc
import pytest
from verger.oip import open_inference_pb2 as oip
from verger.oip import open_inference_pb2_grpc
from verger.v1 import classifier_pb2, classifier_pb2_grpc

from services.common.oip.batches import elements_of
from services.inference.config import InferenceSettings
from services.inference.server import inference_server
from services.preprocess.config import PreprocessSettings
from services.preprocess.server import preprocess_server
from tests.support.background import in_background
from tests.support.pictures.photos import BLUE, GREEN, RED, encoded, plain
from tests.support.servers.mlflow_server import MlflowServer
from tests.support.statuses import code_and_reason
from tests.support.tiny_model import tiny_version
from tests.support.waiting import wait_until

Code = grpc.StatusCode
Stub = open_inference_pb2_grpc.GRPCInferenceServiceStub
NAME = "photos"
PHOTOS = [encoded(plain(color)) for color in (RED, GREEN, BLUE)]
BLACK = encoded(plain((0, 0, 0)))


@pytest.fixture(scope="module")
def channel(mlflow_server: MlflowServer, version_folder: Path) -> Iterator[grpc.Channel]:
    mlflow_server.register(NAME, tiny_version(version_folder / "one"))
    inference_settings = InferenceSettings(
        inference_port=0,
        inference_metrics_port=0,
        mlflow_url=mlflow_server.url,
        model_name=NAME,
        model_poll_seconds=0.1,
        model_cache_directory=version_folder / "cache",
    )
    with in_background(inference_server(inference_settings)) as inference:
        settings = PreprocessSettings(
            preprocess_port=0,
            preprocess_metrics_port=0,
            inference_target=f"127.0.0.1:{inference.port}",
            max_image_bytes=200_000,
        )
        with (
            in_background(preprocess_server(settings)) as server,
            grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel,
        ):
            ready = oip.ServerReadyRequest()
            wait_until(lambda: Stub(channel).ServerReady(ready, timeout=15).ready, what="a live version")
            yield channel


@pytest.fixture(scope="module")
def stub(channel: grpc.Channel) -> Stub:
    return Stub(channel)


def request_of(photos: Sequence[bytes], *, raw: bool = True, **fields: object) -> oip.ModelInferRequest:
    request = oip.ModelInferRequest(**{"model_name": NAME, **fields})
    request.inputs.add(name="image", datatype="BYTES", shape=[len(photos)])
    if raw:
        request.raw_input_contents.append(b"".join(struct.pack("<I", len(photo)) + photo for photo in photos))
    else:
        request.inputs[0].contents.bytes_contents.extend(photos)
    return request


def refusal(stub: Stub, request: oip.ModelInferRequest) -> tuple[Code, str]:
    with pytest.raises(grpc.RpcError) as refused:
        stub.ModelInfer(request, timeout=20)
    return code_and_reason(refused.value)


def test_the_model_is_described(stub: Stub) -> None:
    described = stub.ModelMetadata(oip.ModelMetadataRequest(name=NAME, version="champion"), timeout=10)
    assert (described.name, list(described.versions), described.platform) == (NAME, ["1", "champion"], "ensemble")
    assert [(t.name, t.datatype, list(t.shape)) for t in described.inputs] == [("image", "BYTES", [-1])]
    outputs = [("label", "BYTES", [-1]), ("probability", "FP32", [-1]), ("verdict", "BYTES", [-1])]
    assert [(t.name, t.datatype, list(t.shape)) for t in described.outputs] == outputs


@pytest.mark.parametrize("raw", [True, False], ids=["raw", "typed"])
def test_photos_are_answered_in_their_order_as_classify_does(stub: Stub, channel: grpc.Channel, raw: bool) -> None:
    answer = stub.ModelInfer(request_of([*PHOTOS, BLACK], raw=raw, id="mine"), timeout=20)
    assert (answer.model_name, answer.model_version, answer.id) == (NAME, "1", "mine")
    assert [list(output.shape) for output in answer.outputs] == [[4]] * 3
    if raw:
        labels, verdicts = (list(elements_of(answer.raw_output_contents[place])) for place in (0, 2))
        probabilities = struct.unpack("<4f", answer.raw_output_contents[1])
    else:
        labels, verdicts = (list(answer.outputs[place].contents.bytes_contents) for place in (0, 2))
        probabilities = tuple(answer.outputs[1].contents.fp32_contents)
    assert labels == [b"red", b"green", b"blue", b""]
    assert verdicts == [b"RECOGNISED"] * 3 + [b"OUT_OF_SCOPE"]
    own = classifier_pb2_grpc.ClassifierServiceStub(channel)
    for photo, probability in zip([*PHOTOS, BLACK], probabilities, strict=True):
        expected = own.Classify(classifier_pb2.ClassifyRequest(image=photo), timeout=20).classification
        assert probability == expected.predictions[0].probability


def test_only_the_outputs_that_are_asked_for_are_sent_in_the_order_of_the_question(stub: Stub) -> None:
    request = request_of(PHOTOS[:1])
    request.outputs.add(name="verdict")
    request.outputs.add(name="label")
    answer = stub.ModelInfer(request, timeout=20)
    assert [output.name for output in answer.outputs] == ["verdict", "label"]
    assert [list(elements_of(raw)) for raw in answer.raw_output_contents] == [[b"RECOGNISED"], [b"red"]]


def test_a_bad_photo_is_named_by_its_place_in_the_batch(stub: Stub) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        stub.ModelInfer(request_of([PHOTOS[0], b"hello", PHOTOS[1]]), timeout=20)
    assert code_and_reason(refused.value) == (Code.INVALID_ARGUMENT, "IMAGE_FORMAT_UNSUPPORTED")
    assert refused.value.details().startswith("Photo 2 of 3: ")


def test_wrong_requests_are_refused_with_a_reason(stub: Stub) -> None:
    assert refusal(stub, request_of(PHOTOS, model_name="photos-tensor")) == (Code.NOT_FOUND, "MODEL_UNKNOWN")
    assert refusal(stub, request_of(PHOTOS, model_version="2")) == (Code.NOT_FOUND, "VERSION_NOT_LIVE")
    assert refusal(stub, request_of([b"x"] * 33)) == (Code.INVALID_ARGUMENT, "BATCH_TOO_LARGE")
    assert refusal(stub, request_of([b""])) == (Code.INVALID_ARGUMENT, "IMAGE_EMPTY")
    assert refusal(stub, request_of([b"x" * 200_001])) == (Code.INVALID_ARGUMENT, "IMAGE_TOO_LARGE")
    cut = request_of(PHOTOS)
    cut.raw_input_contents[0] = cut.raw_input_contents[0][:-1]
    assert refusal(stub, cut) == (Code.INVALID_ARGUMENT, "TENSOR_SIZE_MISMATCH")


def test_a_new_champion_answers_and_the_version_before_does_not(
    stub: Stub, mlflow_server: MlflowServer, version_folder: Path
) -> None:
    assert stub.ModelReady(oip.ModelReadyRequest(name=NAME, version="1"), timeout=20).ready
    mlflow_server.register(NAME, tiny_version(version_folder / "two", gain=9.0))
    two = oip.ModelReadyRequest(name=NAME, version="2")
    wait_until(lambda: stub.ModelReady(two, timeout=20).ready, what="the second version going live")
    assert refusal(stub, request_of(PHOTOS, model_version="1")) == (Code.NOT_FOUND, "VERSION_NOT_LIVE")
    assert stub.ModelInfer(request_of(PHOTOS, model_version="2"), timeout=20).model_version == "2"
    assert stub.ModelInfer(request_of(PHOTOS, model_version="champion"), timeout=20).model_version == "2"
