"""Reads and writes the protocol's JSON, and the tensors in binary behind it. These functions do no input or output."""

import base64
import binascii
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import to_json
from verger.oip import open_inference_pb2

from engine.errors import VergerError
from services.common.oip.batches import raw_contents
from services.common.oip.errors import InferRequestInvalid
from services.common.oip.models import BYTES, ServedModel

HEADER_LENGTH = "Inference-Header-Content-Length"
"""HTTP header with the length of the JSON, in bytes, where tensors in binary follow it."""

MAX_JSON_PARTS = 10_000
"""Most objects, lists and elements of the JSON. A photo is one text, so there are few; without the limit, a body of two
bytes an element would become a list of thirty times as many."""

MAX_DETAILS = 3

_MARKS = (b"{", b"[", b",")


class _Input(BaseModel):
    model_config = ConfigDict(strict=True)

    name: str
    datatype: str
    shape: list[int] = Field(max_length=8)
    parameters: dict[str, Any] | None = None
    data: list[Any] | None = None


class _Output(BaseModel):
    model_config = ConfigDict(strict=True)

    name: str
    parameters: dict[str, Any] | None = None


class _Request(BaseModel):
    model_config = ConfigDict(strict=True)

    id: str | None = None
    parameters: dict[str, Any] | None = None
    inputs: list[_Input]
    outputs: list[_Output] | None = None


class Question(NamedTuple):
    """A request that has been read."""

    message: open_inference_pb2.ModelInferRequest
    """The same request as gRPC has it."""

    binary_outputs: frozenset[str]
    """Names of the outputs that are wanted in binary."""


def question_of(body: bytes, header_length: str | None, max_json_bytes: int, model: ServedModel) -> Question:
    """Reads the body of a request.

    Args:
        body: the body.
        header_length: value of HEADER_LENGTH. Without it, all of the body is JSON. With 0, the body is the only element
            of the model's input.
        max_json_bytes: most bytes of JSON.
        model: what is asked, whose name and version the message gets.

    Raises:
        InferRequestInvalid: the body can't be read.
    """
    length = _length_of(header_length, body)
    message = open_inference_pb2.ModelInferRequest(model_name=model.name)
    if length == 0:
        message.inputs.add(name=model.input.name, datatype=BYTES, shape=[1]).contents.bytes_contents.append(body)
        return Question(message, frozenset())
    request = _parsed(body[:length], max_json_bytes)
    message.id = request.id or ""
    rest, binary = memoryview(body)[length:], list[bytes]()
    for given in request.inputs:
        rest = _add_input(message, given, rest, binary)
    if rest:
        raise InferRequestInvalid(
            f"{len(rest):,} bytes follow the last input. Correct binary_data_size or {HEADER_LENGTH}."
        )
    message.raw_input_contents.extend(binary)
    for wanted in request.outputs or ():
        _add_parameters(message.outputs.add(name=wanted.name).parameters, wanted.parameters)
    return Question(message, _binary_outputs(request, model))


def answer_body(
    answer: open_inference_pb2.ModelInferResponse, binary_outputs: frozenset[str]
) -> tuple[bytes, int | None]:
    """Returns the body for an answer with typed contents, and the length of its JSON if something follows that."""
    outputs, binary = list[dict[str, Any]](), list[bytes]()
    for output in answer.outputs:
        elements = _elements(output)
        described: dict[str, Any] = {"name": output.name, "datatype": output.datatype, "shape": list(output.shape)}
        if output.name in binary_outputs:
            binary.append(raw_contents(elements))
            described["parameters"] = {"binary_data_size": len(binary[-1])}
        else:
            described["data"] = [each.decode() if isinstance(each, bytes) else each for each in elements]
        outputs.append(described)
    document: dict[str, Any] = {"model_name": answer.model_name, "model_version": answer.model_version}
    head = to_json(document | ({"id": answer.id} if answer.id else {}) | {"outputs": outputs})
    return (b"".join([head, *binary]), len(head)) if binary else (head, None)


def metadata_body(metadata: open_inference_pb2.ModelMetadataResponse) -> dict[str, Any]:
    """Returns the description of a model."""
    return {
        "name": metadata.name,
        "versions": list(metadata.versions),
        "platform": metadata.platform,
        "inputs": [_tensor(spec) for spec in metadata.inputs],
        "outputs": [_tensor(spec) for spec in metadata.outputs],
    }


def error_body(error: VergerError) -> bytes:
    """Returns the protocol's object for an error, with Verger's reason beside its sentence."""
    return to_json({"error": str(error), "reason": error.reason})


def _tensor(spec: open_inference_pb2.ModelMetadataResponse.TensorMetadata) -> dict[str, Any]:
    return {"name": spec.name, "datatype": spec.datatype, "shape": list(spec.shape)}


def _length_of(header: str | None, body: bytes) -> int:
    if header is None:
        return len(body) or 1  # an empty body is JSON that is missing
    if not (header.isascii() and header.isdecimal() and len(header) < 20 and int(header) <= len(body)):
        raise InferRequestInvalid(f"{HEADER_LENGTH} must be a number of bytes, at most that of the body.")
    return int(header)


def _parsed(head: bytes, max_bytes: int) -> _Request:
    if len(head) > max_bytes:
        raise InferRequestInvalid(f"The JSON has more than {max_bytes:,} bytes. Send the photos in binary behind it.")
    if sum(head.count(mark) for mark in _MARKS) > MAX_JSON_PARTS:
        raise InferRequestInvalid("The JSON has too many elements. Send photos as texts in base64, or in binary.")
    try:
        return _Request.model_validate_json(head)
    except ValidationError as error:
        details = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'body'}: {item['msg']}" for item in error.errors()[:MAX_DETAILS]
        )
        raise InferRequestInvalid(f"The body is not a request of the protocol. {details}.") from None


def _add_input(
    message: open_inference_pb2.ModelInferRequest, given: _Input, rest: memoryview, binary: list[bytes]
) -> memoryview:
    """Adds an input to the message, or its elements to `binary`; returns what is left of the bytes behind the JSON."""
    try:
        added = message.inputs.add(name=given.name, datatype=given.datatype, shape=given.shape)
    except ValueError:
        raise InferRequestInvalid(f"The shape of “{given.name[:40]}” has a number that is too large.") from None
    _add_parameters(added.parameters, given.parameters)
    size = (given.parameters or {}).get("binary_data_size")
    if size is None:
        added.contents.bytes_contents.extend(_decoded(given))
        return rest
    if type(size) is not int or not 0 <= size <= len(rest) or given.data is not None:
        raise InferRequestInvalid(
            f"The binary_data_size of “{given.name[:40]}” must be a number of bytes that follow the JSON, and “data” "
            "must be left out."
        )
    binary.append(bytes(rest[:size]))
    return rest[size:]


def _decoded(given: _Input) -> Iterator[bytes]:
    """Yields the elements of an input that is in the JSON, which holds no bytes: photos are in base64."""
    for element in given.data or () if given.datatype == BYTES else ():
        try:
            yield base64.b64decode(element, validate=True)
        except (binascii.Error, TypeError, ValueError):
            raise InferRequestInvalid(
                f"Each element of “{given.name[:40]}” must be a photo in base64. In binary, photos stay as they are."
            ) from None


def _add_parameters(target: Any, parameters: dict[str, Any] | None) -> None:
    for name in parameters or ():
        target[name].bool_param = True  # the names alone matter, see services.common.oip.batches


def _binary_outputs(request: _Request, model: ServedModel) -> frozenset[str]:
    by_default = (request.parameters or {}).get("binary_data_output") is True
    if not request.outputs:
        return frozenset(spec.name for spec in model.outputs if by_default)
    return frozenset(
        output.name for output in request.outputs if (output.parameters or {}).get("binary_data", by_default) is True
    )


def _elements(output: open_inference_pb2.ModelInferResponse.InferOutputTensor) -> Sequence[bytes | float]:
    return list(output.contents.bytes_contents if output.datatype == BYTES else output.contents.fp32_contents)
