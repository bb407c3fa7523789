"""Takes requests of the protocol apart, and puts answers together. These functions do no input or output."""

import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from verger.oip import open_inference_pb2

from engine.errors import TensorInvalid
from services.common.errors import RequestIdTooLong
from services.common.oip.errors import BatchTooLarge, InferRequestInvalid
from services.common.oip.models import BYTES, FP32, UINT8, ServedModel, TensorSpec
from services.common.rpc.request_ids import MAX_REQUEST_ID_CHARACTERS

_Input = open_inference_pb2.ModelInferRequest.InferInputTensor
_Output = open_inference_pb2.ModelInferResponse.InferOutputTensor

_CONTENTS = {UINT8: "uint_contents", BYTES: "bytes_contents", FP32: "fp32_contents"}
"""Field of InferTensorContents by type of the elements."""

_LENGTH = struct.Struct("<I")

_UNSUPPORTED_PARAMETERS = ("classification", "shared_memory_region")
"""Parameters of tensors that would change what the answer is or where it goes. All others are ignored."""


class Batch(NamedTuple):
    """What a request asks for."""

    items: Sequence[bytes]
    """One for each item of the batch: of BYTES, the element; of UINT8, all of its elements, in row-major order."""

    outputs: Sequence[TensorSpec]
    """The outputs that the answer shall have, in this order."""

    request_id: str
    """Empty if the request has none."""

    version: str
    """Version or alias that the request names; empty if it names none."""

    is_raw: bool
    """Whether the request has, and so the answer gets, raw contents."""


def batch_of(request: open_inference_pb2.ModelInferRequest, model: ServedModel, max_items: int) -> Batch:
    """Checks a request for this model and returns what it asks for.

    Raises:
        ModelUnknown, VersionNotLive: it is for another model or version.
        InferRequestInvalid: its inputs, outputs or parameters are not those of the model.
        BatchTooLarge: it has more than `max_items` items.
        TensorInvalid: shape, type or contents of its input are wrong.
        RequestIdTooLong: its id has more than 128 characters.
    """
    model.check(request.model_name, request.model_version)
    if len(request.id) > MAX_REQUEST_ID_CHARACTERS:
        text = f"The id has {len(request.id)} characters; at most {MAX_REQUEST_ID_CHARACTERS}."
        raise RequestIdTooLong(text)
    outputs, given = _wanted(request, model), _only_input(request, model)
    count = _count(given, model.input, max_items)
    is_raw = len(request.raw_input_contents) > 0
    if is_raw and (len(request.raw_input_contents) != 1 or given.HasField("contents")):
        raise InferRequestInvalid(
            "Send the elements of the input once: as the only entry of raw_input_contents, or as its contents."
        )
    items = _items(given, request.raw_input_contents[0] if is_raw else None, model.input, count)
    return Batch(items, outputs, request.id, request.model_version, is_raw)


def answer_of(
    batch: Batch, model: ServedModel, version: str, values: Mapping[str, Sequence[bytes | float]]
) -> open_inference_pb2.ModelInferResponse:
    """Puts the answer to a batch together.

    Args:
        batch: what was asked for.
        model: what was asked.
        version: version in the registry that answered.
        values: all elements of each output in row-major order, by its name: bytes for BYTES, numbers for FP32.
    """
    answer = open_inference_pb2.ModelInferResponse(model_name=model.name, model_version=version, id=batch.request_id)
    for spec in batch.outputs:
        output, elements = answer.outputs.add(name=spec.name, datatype=spec.datatype), values[spec.name]
        output.shape[:] = [len(batch.items), *spec.shape[1:]]
        if batch.is_raw:
            answer.raw_output_contents.append(raw_contents(elements))
        else:
            getattr(output.contents, _CONTENTS[spec.datatype]).extend(elements)
    return answer


def raw_contents(elements: Sequence[bytes | float]) -> bytes:
    """Returns elements of type BYTES or FP32 as the protocol writes them in binary."""
    return b"".join(
        _LENGTH.pack(len(element)) + element if isinstance(element, bytes) else struct.pack("<f", element)
        for element in elements
    )


def elements_of(raw: bytes) -> Iterator[bytes]:
    """Yields the elements of a tensor of type BYTES that is in binary.

    Raises:
        TensorInvalid: the last one has no end.
    """
    start = 0
    while start < len(raw):
        end = start + _LENGTH.size
        end += _LENGTH.unpack_from(raw, start)[0] if end <= len(raw) else len(raw)
        if end > len(raw):
            raise _wrong_size("An element of the input is longer than the content that has it.")
        yield raw[start + _LENGTH.size : end]
        start = end


def _wanted(request: open_inference_pb2.ModelInferRequest, model: ServedModel) -> Sequence[TensorSpec]:
    if not request.outputs:
        return model.outputs
    known = {spec.name: spec for spec in model.outputs}
    names = [output.name for output in request.outputs]
    if not set(names) <= set(known) or len(set(names)) < len(names):
        raise InferRequestInvalid(f"The outputs of {model.name} are {', '.join(known)}. Ask for each once at most.")
    for output in request.outputs:
        _refuse_parameters(output.parameters)
    return [known[name] for name in names]


def _only_input(request: open_inference_pb2.ModelInferRequest, model: ServedModel) -> _Input:
    if len(request.inputs) != 1 or request.inputs[0].name != model.input.name:
        raise InferRequestInvalid(f"Send exactly one input to {model.name}, named “{model.input.name}”.")
    _refuse_parameters(request.inputs[0].parameters)
    return request.inputs[0]


def _refuse_parameters(parameters: Mapping[str, open_inference_pb2.InferParameter]) -> None:
    for name in _UNSUPPORTED_PARAMETERS:
        if name in parameters:
            raise InferRequestInvalid(f"The parameter “{name}” is not supported. Send the request without it.")


def _count(given: _Input, spec: TensorSpec, max_items: int) -> int:
    """Checks type and shape of an input, and returns how many items it has."""
    if given.datatype != spec.datatype:
        text = f"The datatype of “{spec.name}” must be {spec.datatype}."
        raise TensorInvalid("TENSOR_DTYPE_UNSUPPORTED", text)
    if len(given.shape) != len(spec.shape) or list(given.shape[1:]) != list(spec.shape[1:]) or given.shape[0] < 1:
        text = f"The shape of “{spec.name}” must be {list(spec.shape)}, with 1 to {max_items} in the place of -1."
        raise TensorInvalid("TENSOR_SHAPE_MISMATCH", text)
    if given.shape[0] > max_items:
        raise BatchTooLarge(f"The batch has {given.shape[0]} items; at most {max_items}. Send several requests.")
    return int(given.shape[0])


def _items(given: _Input, raw: bytes | None, spec: TensorSpec, count: int) -> Sequence[bytes]:
    """Returns the items of an input from its raw contents, or from its typed ones if it has no raw ones."""
    field = _CONTENTS[spec.datatype]
    if any(other.name != field for other, _ in given.contents.ListFields()):
        raise InferRequestInvalid(f"The contents of “{spec.name}” must be in {field} alone.")
    if spec.datatype == BYTES:
        items = list(given.contents.bytes_contents if raw is None else elements_of(raw))
        if len(items) != count:
            raise _wrong_size(f"“{spec.name}” has {len(items)} elements; its shape needs {count}.")
        return items
    numbers, size = _numbers(given, spec) if raw is None else raw, math.prod(spec.shape[1:])
    if len(numbers) != count * size:
        raise _wrong_size(f"“{spec.name}” has {len(numbers):,} elements; its shape needs {count * size:,}.")
    return [numbers[start : start + size] for start in range(0, len(numbers), size)]


def _numbers(given: _Input, spec: TensorSpec) -> bytes:
    try:
        return bytes(given.contents.uint_contents)
    except ValueError:
        raise InferRequestInvalid(f"An element of “{spec.name}” is more than 255.") from None


def _wrong_size(text: str) -> TensorInvalid:
    return TensorInvalid("TENSOR_SIZE_MISMATCH", text)
