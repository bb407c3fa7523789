"""The Open Inference Protocol of the inference service, on a real port, with a real registry behind it."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from numpy.typing import NDArray
from verger.oip import open_inference_pb2 as oip
from verger.oip import open_inference_pb2_grpc
from verger.v1 import inference_pb2, inference_pb2_grpc

from engine.contract import CONTRACT_FILE, read_contract
from engine.model.verdict import classify
from services.inference.config import InferenceSettings
from services.inference.server import inference_server
from tests.support.background import in_background
from tests.support.servers.mlflow_server import MlflowServer
from tests.support.statuses import code_and_reason
from tests.support.tensors import pixels_tensor
from tests.support.tiny_model import tiny_version
from tests.support.waiting import wait_until

Code = grpc.StatusCode
Stub = open_inference_pb2_grpc.GRPCInferenceServiceStub
MODEL = "tensors-tensor"
SIZE = 32


@pytest.fixture(scope="module")
def version(version_folder: Path) -> Path:
    return tiny_version(version_folder / "one", size=SIZE)


@pytest.fixture(scope="module")
def channel(mlflow_server: MlflowServer, version: Path, version_folder: Path) -> Iterator[grpc.Channel]:
    mlflow_server.register("tensors", version)
    settings = InferenceSettings(
        inference_port=0,
        inference_metrics_port=0,
        mlflow_url=mlflow_server.url,
        model_name="tensors",
        model_poll_seconds=0.1,
        model_cache_directory=version_folder / "cache",
    )
    with (
        in_background(inference_server(settings)) as server,
        grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        ready = oip.ServerReadyRequest()
        wait_until(lambda: Stub(channel).ServerReady(ready, timeout=5).ready, what="a live version")
        yield channel


@pytest.fixture(scope="module")
def stub(channel: grpc.Channel) -> Stub:
    return Stub(channel)


def noise(count: int, seed: int = 1) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, SIZE, SIZE, 3), np.uint8)


def request_of(pixels: NDArray[np.uint8], *, raw: bool = True, **fields: object) -> oip.ModelInferRequest:
    request = oip.ModelInferRequest(**{"model_name": MODEL, **fields})
    request.inputs.add(name="pixels", datatype="UINT8", shape=pixels.shape)
    if raw:
        request.raw_input_contents.append(pixels.tobytes())
    else:
        request.inputs[0].contents.uint_contents.extend(pixels.ravel().tolist())
    return request


def logits_of(answer: oip.ModelInferResponse) -> NDArray[np.float32]:
    (output,) = answer.outputs
    assert (output.name, output.datatype) == ("logits", "FP32")
    raw = answer.raw_output_contents
    flat = np.frombuffer(raw[0], "<f4") if raw else np.asarray(output.contents.fp32_contents, np.float32)
    return flat.reshape(output.shape)


def test_the_model_is_described_as_its_contract_says(stub: Stub) -> None:
    described = stub.ModelMetadata(oip.ModelMetadataRequest(name=MODEL), timeout=5)
    assert (described.name, described.platform, list(described.versions)) == (MODEL, "onnx_onnxv1", ["1", "champion"])
    assert [(t.name, t.datatype, list(t.shape)) for t in described.inputs] == [("pixels", "UINT8", [-1, SIZE, SIZE, 3])]
    assert [(t.name, t.datatype, list(t.shape)) for t in described.outputs] == [("logits", "FP32", [-1, 3])]


def test_logits_lead_to_the_answer_of_infer(stub: Stub, channel: grpc.Channel, version: Path) -> None:
    pixels = noise(4)
    logits = logits_of(stub.ModelInfer(request_of(pixels), timeout=10))
    assert logits.shape == (4, 3)
    requests = [
        inference_pb2.InferRequest(request_id=str(i), tensor=pixels_tensor(each)) for i, each in enumerate(pixels)
    ]
    infer = inference_pb2_grpc.InferenceServiceStub(channel).Infer(iter(requests), timeout=10)
    contract = read_contract(version / CONTRACT_FILE)
    for response in infer:
        expected = classify(logits[int(response.request_id)], contract)
        answer = response.classification
        assert [each.label for each in answer.predictions] == [each.label for each in expected.predictions]
        probabilities = [each.probability for each in expected.predictions]
        assert [each.probability for each in answer.predictions] == pytest.approx(probabilities, abs=1e-6)
        assert answer.scope_score == pytest.approx(expected.scope_score, abs=1e-6)


def test_typed_and_raw_contents_give_the_same_in_the_form_of_the_request(stub: Stub) -> None:
    pixels = noise(2)
    raw = stub.ModelInfer(request_of(pixels), timeout=10)
    typed = stub.ModelInfer(request_of(pixels, raw=False), timeout=10)
    assert len(raw.raw_output_contents) == 1
    assert not raw.outputs[0].HasField("contents")
    assert not typed.raw_output_contents
    assert (logits_of(raw) == logits_of(typed)).all()


def test_a_batch_gives_what_its_items_give_alone(stub: Stub) -> None:
    pixels = noise(32)
    together = logits_of(stub.ModelInfer(request_of(pixels), timeout=30))
    alone = [logits_of(stub.ModelInfer(request_of(pixels[i : i + 1]), timeout=10))[0] for i in range(32)]
    assert (together == np.stack(alone)).all()


@pytest.mark.parametrize("asked", ["", "1", "champion"])
def test_the_live_version_answers_by_its_number_and_by_its_alias(stub: Stub, asked: str) -> None:
    request = request_of(noise(1), model_version=asked, id="mine")
    answer = stub.ModelInfer(request, timeout=10)
    assert (answer.model_name, answer.model_version, answer.id) == (MODEL, "1", "mine")
    assert stub.ModelReady(oip.ModelReadyRequest(name=MODEL, version=asked), timeout=5).ready


def changed(**changes: object) -> oip.ModelInferRequest:
    request = request_of(noise(1))
    given = request.inputs[0]
    for name, value in changes.items():
        match name:
            case "shape":
                given.shape[:] = value
            case "raw":
                request.raw_input_contents[:] = value
            case "output":
                request.outputs.add(name=value)
            case "parameter":
                given.parameters[value].string_param = "x"
            case "input" | "datatype":
                setattr(given, "name" if name == "input" else name, value)
            case _:
                setattr(request, name, value)
    return request


def with_both_contents() -> oip.ModelInferRequest:
    request = request_of(noise(1))
    request.inputs[0].contents.uint_contents.append(1)
    return request


def with_large_number() -> oip.ModelInferRequest:
    request = request_of(noise(1), raw=False)
    request.inputs[0].contents.uint_contents[0] = 256
    return request


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (changed(model_name="other"), (Code.NOT_FOUND, "MODEL_UNKNOWN")),
        (changed(model_name="tensors"), (Code.NOT_FOUND, "MODEL_UNKNOWN")),
        (changed(model_version="2"), (Code.NOT_FOUND, "VERSION_NOT_LIVE")),
        (changed(model_version="previous"), (Code.NOT_FOUND, "VERSION_NOT_LIVE")),
        (changed(id="x" * 129), (Code.INVALID_ARGUMENT, "REQUEST_ID_TOO_LONG")),
        (changed(input="image"), (Code.INVALID_ARGUMENT, "INFER_REQUEST_INVALID")),
        (changed(output="evidence"), (Code.INVALID_ARGUMENT, "INFER_REQUEST_INVALID")),
        (changed(parameter="shared_memory_region"), (Code.INVALID_ARGUMENT, "INFER_REQUEST_INVALID")),
        (changed(raw=[b"", b""]), (Code.INVALID_ARGUMENT, "INFER_REQUEST_INVALID")),
        (with_both_contents(), (Code.INVALID_ARGUMENT, "INFER_REQUEST_INVALID")),
        (with_large_number(), (Code.INVALID_ARGUMENT, "INFER_REQUEST_INVALID")),
        (oip.ModelInferRequest(model_name=MODEL), (Code.INVALID_ARGUMENT, "INFER_REQUEST_INVALID")),
        (changed(datatype="FP32"), (Code.INVALID_ARGUMENT, "TENSOR_DTYPE_UNSUPPORTED")),
        (changed(shape=[1, SIZE, SIZE]), (Code.INVALID_ARGUMENT, "TENSOR_SHAPE_MISMATCH")),
        (changed(shape=[1, SIZE, SIZE, 4]), (Code.INVALID_ARGUMENT, "TENSOR_SHAPE_MISMATCH")),
        (changed(shape=[0, SIZE, SIZE, 3]), (Code.INVALID_ARGUMENT, "TENSOR_SHAPE_MISMATCH")),
        (changed(shape=[-1, SIZE, SIZE, 3]), (Code.INVALID_ARGUMENT, "TENSOR_SHAPE_MISMATCH")),
        (changed(shape=[33, SIZE, SIZE, 3]), (Code.INVALID_ARGUMENT, "BATCH_TOO_LARGE")),
        (changed(shape=[2**62, SIZE, SIZE, 3]), (Code.INVALID_ARGUMENT, "BATCH_TOO_LARGE")),
        (changed(raw=[b"12"]), (Code.INVALID_ARGUMENT, "TENSOR_SIZE_MISMATCH")),
        (changed(shape=[2, SIZE, SIZE, 3]), (Code.INVALID_ARGUMENT, "TENSOR_SIZE_MISMATCH")),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
def test_a_wrong_request_is_refused_with_a_reason(
    stub: Stub, request_: oip.ModelInferRequest, expected: tuple[Code, str]
) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        stub.ModelInfer(request_, timeout=10)
    assert code_and_reason(refused.value) == expected


def test_a_model_that_is_not_live_is_not_ready(stub: Stub) -> None:
    for request in (oip.ModelReadyRequest(name="other"), oip.ModelReadyRequest(name=MODEL, version="7")):
        assert not stub.ModelReady(request, timeout=5).ready


@pytest.mark.parametrize("method", ["RepositoryModelLoad", "RepositoryModelUnload", "RepositoryIndex"])
def test_loading_and_unloading_are_refused_with_a_reason(channel: grpc.Channel, method: str) -> None:
    call = channel.unary_unary(f"/inference.GRPCInferenceService/{method}")
    with pytest.raises(grpc.RpcError) as refused:
        call(b"", timeout=5)
    assert code_and_reason(refused.value) == (Code.UNIMPLEMENTED, "MODEL_CONTROL_UNSUPPORTED")
    assert "champion" in refused.value.details()


def test_a_message_that_would_take_far_more_memory_than_bytes_is_refused(channel: grpc.Channel) -> None:
    call = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
    two_million_inputs = b"\x2a\x00" * 2_000_000
    with pytest.raises(grpc.RpcError) as refused:
        call(two_million_inputs, timeout=30)
    assert code_and_reason(refused.value) == (Code.INVALID_ARGUMENT, "REQUEST_MALFORMED")
