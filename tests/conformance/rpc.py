"""What the specification asks of a server over gRPC."""

from collections.abc import Callable
from typing import Any

import grpc
from verger.oip import open_inference_pb2 as oip

from tests.conformance.target import FIELDS, TIMEOUT_SECONDS, Target, check, fits, packed, size_of, unpacked

UNKNOWN = "no-such-model"

EXPLAINED = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.OUT_OF_RANGE,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.UNAVAILABLE,
}
"""Codes that say what was wrong; UNKNOWN and INTERNAL say that the server does not know."""


def error_of(call: Callable[[], Any]) -> grpc.RpcError | None:
    """Returns the error with which a call ends."""
    try:
        call()
    except grpc.RpcError as error:
        return error
    return None


def is_refused(target: Target, method: str, request: Any, what: str) -> None:
    error = error_of(lambda: target.call(method, request))
    assert error, f"{what} was answered"
    assert error.code() in EXPLAINED, f"{what}: the code is {error.code().name}"
    assert error.details(), f"{what}: no sentence says why"


def called(target: Target, method: str, message: bytes) -> grpc.RpcError | None:
    """Calls a method with bytes that no client would send; returns the error."""
    call = target.stub and target.channel.unary_unary(f"/inference.GRPCInferenceService/{method}")
    return error_of(lambda: call(message, timeout=TIMEOUT_SECONDS, metadata=target.metadata))


def is_answered(target: Target, answer: oip.ModelInferResponse) -> dict[str, list[Any]]:
    """Returns the elements of the outputs of an answer, which are those of the model's metadata."""
    assert answer.model_name == target.model, f"model_name is {answer.model_name!r}"
    described = {
        tensor.name: tensor
        for tensor in target.call("ModelMetadata", oip.ModelMetadataRequest(name=target.model)).outputs
    }
    raw = answer.raw_output_contents
    assert len(raw) in (0, len(answer.outputs)), "there are raw contents for some outputs only"
    found = {}
    for place, output in enumerate(answer.outputs):
        spec = described.get(output.name)
        assert spec, f"the output {output.name} is not in the model's metadata"
        assert output.datatype == spec.datatype, f"{output.name} is {output.datatype}"
        assert fits(output.shape, spec.shape), f"the shape of {output.name} is {output.shape}"
        assert not (raw and output.contents.ListFields()), f"{output.name} has contents twice"
        typed = getattr(output.contents, FIELDS[output.datatype])
        found[output.name] = unpacked(output.datatype, raw[place]) if raw else list(typed)
        assert len(found[output.name]) == size_of(output.shape), f"{output.name} has too much or too little data"
    return found


@check
def grpc_server_is_live_and_ready(target: Target) -> None:
    assert target.call("ServerLive", oip.ServerLiveRequest()).live
    assert target.call("ServerReady", oip.ServerReadyRequest()).ready


@check
def grpc_server_is_described(target: Target) -> None:
    described = target.call("ServerMetadata", oip.ServerMetadataRequest())
    assert described.name, "there is no name"
    assert described.version, "there is no version"


@check
def grpc_model_is_ready_and_others_are_not(target: Target) -> None:
    assert target.call("ModelReady", oip.ModelReadyRequest(name=target.model)).ready
    for request in (oip.ModelReadyRequest(name=UNKNOWN), oip.ModelReadyRequest(name=target.model, version="987654321")):
        try:
            outcome = "ready" if target.call("ModelReady", request).ready else ""
        except grpc.RpcError as error:
            outcome = "" if error.code() in EXPLAINED else error.code().name
        assert not outcome, f"{request.name} {request.version}: {outcome}"


@check
def grpc_model_is_described_and_each_version_that_is_listed_answers(target: Target) -> None:
    described = target.call("ModelMetadata", oip.ModelMetadataRequest(name=target.model))
    assert described.name == target.model, f"name is {described.name!r}"
    assert {tensor.name for tensor in described.inputs} == {tensor.name for tensor in target.inputs}
    for version in described.versions:
        again = target.call("ModelMetadata", oip.ModelMetadataRequest(name=target.model, version=version))
        assert again.inputs == described.inputs, f"version {version} has other inputs"
        is_answered(target, target.call("ModelInfer", target.message(raw=True, model_version=version)))


@check
def grpc_unknown_models_and_versions_are_refused(target: Target) -> None:
    is_refused(target, "ModelMetadata", oip.ModelMetadataRequest(name=UNKNOWN), "metadata of an unknown model")
    is_refused(target, "ModelInfer", target.message(raw=True, model_name=UNKNOWN), "an unknown model")
    is_refused(target, "ModelInfer", target.message(raw=True, model_version="987654321"), "an unknown version")


@check
def grpc_raw_contents_are_answered_with_all_outputs(target: Target) -> None:
    found = is_answered(target, target.call("ModelInfer", target.message(raw=True)))
    described = target.call("ModelMetadata", oip.ModelMetadataRequest(name=target.model)).outputs
    assert sorted(found) == sorted(tensor.name for tensor in described)


@check
def grpc_typed_contents_are_answered_as_raw_ones(target: Target) -> None:
    raw = is_answered(target, target.call("ModelInfer", target.message(raw=True)))
    typed = is_answered(target, target.call("ModelInfer", target.message(raw=False)))
    for spec in target.call("ModelMetadata", oip.ModelMetadataRequest(name=target.model)).outputs:
        name = spec.name
        assert packed(spec.datatype, raw[name]) == packed(spec.datatype, typed[name]), f"{name} differs"


@check
def grpc_id_is_returned(target: Target) -> None:
    answer = target.call("ModelInfer", target.message(raw=True, id="conformance-7"))
    assert answer.id == "conformance-7", f"id is {answer.id!r}"


@check
def grpc_only_outputs_that_are_asked_for_are_returned(target: Target) -> None:
    last = target.call("ModelMetadata", oip.ModelMetadataRequest(name=target.model)).outputs[-1].name
    request = target.message(raw=True)
    request.outputs.add(name=last)
    assert list(is_answered(target, target.call("ModelInfer", request))) == [last]


@check
def grpc_batch_is_answered_as_its_items_are(target: Target) -> None:
    alone = is_answered(target, target.call("ModelInfer", target.message(raw=True)))
    double = [tensor.repeated() for tensor in target.inputs]
    together = is_answered(target, target.call("ModelInfer", target.message(raw=True, inputs=double)))
    assert together == {name: [*elements, *elements] for name, elements in alone.items()}


@check
def grpc_wrong_inputs_are_refused(target: Target) -> None:
    requests = {what: target.message(raw=True) for what in ("name", "datatype", "dimensions", "shape", "output")}
    requests["name"].inputs[0].name = "no-such-input"
    requests["datatype"].inputs[0].datatype = "FLOAT"
    requests["dimensions"].inputs[0].shape.append(7)
    requests["shape"].inputs[0].shape[0] += 1
    requests["output"].outputs.add(name="no-such-output")
    requests["number of inputs"] = oip.ModelInferRequest(model_name=target.model)
    for what, request in requests.items():
        is_refused(target, "ModelInfer", request, f"a wrong {what}")


@check
def grpc_wrong_raw_contents_are_refused(target: Target) -> None:
    both, more, longer = (target.message(raw=True) for _ in range(3))
    tensor = target.inputs[0]
    getattr(both.inputs[0].contents, FIELDS[tensor.datatype]).extend(tensor.elements)
    is_refused(target, "ModelInfer", both, "raw and typed contents at once")
    more.raw_input_contents.append(b"")
    is_refused(target, "ModelInfer", more, "more raw contents than inputs")
    longer.raw_input_contents[0] += b"\x01"
    is_refused(target, "ModelInfer", longer, "raw contents that are too long")


@check
def grpc_bytes_that_are_no_message_do_no_harm(target: Target) -> None:
    assert called(target, "ModelInfer", b"\xff\xff\xff"), "bytes that are no message were answered"
    assert target.call("ServerLive", oip.ServerLiveRequest()).live, "the server has died of it"


@check
def grpc_methods_that_do_not_exist_are_unimplemented(target: Target) -> None:
    error = called(target, "NoSuchMethod", b"")
    assert error, "a method that does not exist has answered"
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED, f"the code is {error.code().name}"
