"""The server that is checked, and a request that its model answers."""

import base64
import json
import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import httpx
from verger.oip import open_inference_pb2 as oip
from verger.oip.open_inference_pb2_grpc import GRPCInferenceServiceStub

FORMATS = {
    "BOOL": "?",
    "INT8": "b",
    "INT16": "h",
    "INT32": "i",
    "INT64": "q",
    "UINT8": "B",
    "UINT16": "H",
    "UINT32": "I",
    "UINT64": "Q",
    "FP16": "e",
    "FP32": "f",
    "FP64": "d",
}
"""Code of `struct` by datatype; BYTES has none, and BF16 no Python type."""

DATATYPES = {*FORMATS, "BF16", "BYTES"}

FIELDS = {
    "BOOL": "bool_contents",
    **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
    "INT64": "int64_contents",
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
"""Field of InferTensorContents by datatype."""

TIMEOUT_SECONDS = 60.0


class Skipped(Exception):
    """The server does not offer what a check is about, and need not."""


@dataclass(frozen=True)
class Tensor:
    """An input of the sample request."""

    name: str
    datatype: str
    shape: Sequence[int]
    data: Sequence[Any]
    """The elements as JSON has them, flat."""

    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def elements(self) -> Sequence[Any]:
        """The elements as gRPC has them. JSON can't hold bytes: with the content type base64, texts stand for them."""
        if self.datatype != "BYTES":
            return self.data
        is_base64 = self.parameters.get("content_type") == "base64"
        return [base64.b64decode(each) if is_base64 else each.encode() for each in self.data]

    @property
    def raw(self) -> bytes:
        """The elements in binary."""
        return packed(self.datatype, self.elements)

    @property
    def json(self) -> dict[str, Any]:
        parameters = {"parameters": self.parameters} if self.parameters else {}
        return {
            "name": self.name,
            "datatype": self.datatype,
            "shape": list(self.shape),
            **parameters,
            "data": list(self.data),
        }

    def repeated(self) -> "Tensor":
        """The same elements twice, as a batch."""
        return Tensor(
            self.name,
            self.datatype,
            [2 * self.shape[0], *self.shape[1:]],
            [*self.data, *self.data],
            self.parameters,
        )


@dataclass
class Target:
    """A server with a model."""

    model: str
    inputs: Sequence[Tensor]
    http: httpx.Client | None = None
    channel: grpc.Channel | None = None
    metadata: Sequence[tuple[str, str]] = ()
    """Metadata of all gRPC calls, such as a key."""

    @property
    def stub(self) -> Any:
        if self.channel is None:
            raise Skipped("no gRPC address")
        return GRPCInferenceServiceStub(self.channel)

    def get(self, path: str) -> httpx.Response:
        return self._client.get(path)

    def post(self, path: str, content: bytes, **headers: str) -> httpx.Response:
        return self._client.post(path, content=content, headers=headers)

    def infer(self, body: Any, path: str = "") -> httpx.Response:
        """Sends a request as JSON."""
        content = json.dumps(body).encode()
        return self.post(path or f"/v2/models/{self.model}/infer", content, **{"Content-Type": "application/json"})

    def body(self, inputs: Sequence[Tensor] | None = None, **fields: Any) -> dict[str, Any]:
        """The sample request as JSON, with further fields."""
        return {"inputs": [tensor.json for tensor in inputs or self.inputs], **fields}

    def call(self, method: str, request: Any) -> Any:
        return getattr(self.stub, method)(request, timeout=TIMEOUT_SECONDS, metadata=self.metadata)

    def described(self) -> dict[str, Any]:
        """The model's metadata over HTTP."""
        response = self.get(f"/v2/models/{self.model}")
        assert response.status_code == 200, f"the model's metadata have the status {response.status_code}"
        return dict(response.json())

    def message(self, *, raw: bool, inputs: Sequence[Tensor] | None = None, **fields: Any) -> oip.ModelInferRequest:
        """The sample request over gRPC."""
        request = oip.ModelInferRequest(**{"model_name": self.model, **fields})
        for tensor in inputs or self.inputs:
            added = request.inputs.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)
            for name, value in tensor.parameters.items():
                added.parameters[name].string_param = str(value)
            if raw:
                request.raw_input_contents.append(tensor.raw)
            else:
                getattr(added.contents, FIELDS[tensor.datatype]).extend(tensor.elements)
        if not raw:
            for added in request.inputs:
                added.parameters.pop("content_type", None)
        return request

    @property
    def _client(self) -> httpx.Client:
        if self.http is None:
            raise Skipped("no HTTP address")
        return self.http


Check = Callable[[Target], None]
CHECKS: list[Check] = []


def check(function: Check) -> Check:
    """Adds a check: it raises AssertionError with what is wrong, or Skipped."""
    CHECKS.append(function)
    return function


def tensors_in(file: Path) -> Sequence[Tensor]:
    """Reads the inputs of a request that is in the protocol's JSON."""
    inputs = json.loads(file.read_text())["inputs"]
    return [
        Tensor(each["name"], each["datatype"], each["shape"], each["data"], each.get("parameters", {}))
        for each in inputs
    ]


def packed(datatype: str, elements: Sequence[Any]) -> bytes:
    """Returns elements in binary: little-endian, without padding."""
    if datatype == "BYTES":
        return b"".join(struct.pack("<I", len(each)) + each for each in elements)
    return struct.pack(f"<{len(elements)}{FORMATS[datatype]}", *elements)


def unpacked(datatype: str, raw: bytes) -> list[Any]:
    """Returns the elements of a tensor in binary."""
    if datatype != "BYTES":
        return list(struct.unpack(f"<{len(raw) // struct.calcsize(FORMATS[datatype])}{FORMATS[datatype]}", raw))
    found, start = [], 0
    while start < len(raw):
        (length,) = struct.unpack_from("<I", raw, start)
        found.append(raw[start + 4 : start + 4 + length])
        start += 4 + length
    return found


def flat(data: Any) -> list[Any]:
    """Returns the elements of a tensor in JSON, which may be nested."""
    return [element for each in data for element in flat(each)] if isinstance(data, list) else [data]


def fits(shape: Sequence[int], described: Sequence[int]) -> bool:
    """Whether a shape is one of those that are described, where -1 is any size."""
    return len(shape) == len(described) and all(
        wanted in (-1, size) for size, wanted in zip(shape, described, strict=True)
    )


def size_of(shape: Sequence[int]) -> int:
    return math.prod(shape)
