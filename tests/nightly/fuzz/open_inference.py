"""Requests of the Open Inference Protocol that no client library makes, over gRPC and HTTP."""

import base64
import json
import random
import struct
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx
from google.protobuf.message import Message
from verger.oip import open_inference_pb2 as oip

from tests.nightly.fuzz.mutations import mutated
from tests.support.systems.system import System

MODEL = "fruit-classifier"
CLIENTS = 4
TIMEOUT_SECONDS = 30.0
PIXELS = 150_528

NAMES = (MODEL, f"{MODEL}-tensor", "image", "pixels", "label", "logits", "", "x" * 50_000)
DATATYPES = ("BYTES", "UINT8", "FP32", "BOOL", "", "bytes")
SIZES = (-1, 0, 1, 2, 3, 32, 33, 224, 2**31, 2**62)
VERSIONS = ("", "", "", "1", "champion", "2", "01", "-1")
ODD_VALUES: tuple[Any, ...] = (None, True, 0, -1, 1.5, 2**80, "", "x", [], [[]], {}, {"name": 1}, ["\ud800"], [None])

PATHS = (
    f"/v2/models/{MODEL}/infer",
    f"/v2/models/{MODEL}/infer",
    f"/v2/models/{MODEL}/versions/champion/infer",
    f"/v2/models/{MODEL}/versions/2/infer",
    "/v2/models//infer",
    "/v2/models/%00/infer",
    f"/v2/repository/models/{MODEL}/load",
    "/v2/nothing",
)


def batch(dice: random.Random) -> Message:
    """Makes a ModelInferRequest, half of the time one that a model could answer."""
    is_sound, is_raw = dice.random() < 0.5, dice.random() < 0.5
    name, datatype, shape, elements = _input(dice)
    request = oip.ModelInferRequest(
        model_name=MODEL + ("-tensor" if datatype == "UINT8" else ""), model_version=dice.choice(VERSIONS)
    )
    given = request.inputs.add(name=name, datatype=datatype, shape=shape)
    if is_raw:
        request.raw_input_contents.append(_packed(elements))
    elif datatype == "UINT8":
        given.contents.uint_contents.extend(elements[0])
    else:
        given.contents.bytes_contents.extend(elements)
    if not is_sound:
        _spoil(request, dice)
    return request


def _input(dice: random.Random) -> tuple[str, str, list[int], list[bytes]]:
    count = dice.choice((1, 1, 1, 2, 3))
    if dice.random() < 0.4:
        return "pixels", "UINT8", [count, 224, 224, 3], [dice.randbytes(count * PIXELS)]
    return "image", "BYTES", [count], [mutated(dice.randrange(1_000_000), 0) for _ in range(count)]


def _packed(elements: list[bytes]) -> bytes:
    is_pixels = len(elements[0]) % PIXELS == 0
    return elements[0] if is_pixels else b"".join(struct.pack("<I", len(each)) + each for each in elements)


def _spoil(request: oip.ModelInferRequest, dice: random.Random) -> None:
    given = request.inputs[0]
    match dice.randrange(9):
        case 0:
            request.model_name = dice.choice(NAMES)
        case 1:
            given.name = dice.choice(NAMES)
        case 2:
            given.datatype = dice.choice(DATATYPES)
        case 3:
            given.shape[:] = [dice.choice(SIZES) for _ in range(dice.randrange(6))]
        case 4:
            request.raw_input_contents.append(dice.randbytes(dice.choice((0, 1, 4, 1000))))
        case 5:
            given.contents.int64_contents.extend(range(dice.randrange(5000)))
        case 6:
            request.outputs.add(name=dice.choice(NAMES)).parameters["classification"].int64_param = 1
        case 7:
            request.inputs.extend([given] * dice.randrange(50))
        case 8:
            request.id = "i" * dice.choice((128, 129, 100_000))


@dataclass
class HttpRun:
    """How often each status was answered, and what is wrong."""

    statuses: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)


def send_open_inference(system: System, count: int, seed: int) -> HttpRun:
    """Sends `count` requests over HTTP. Wrong are: 5xx other than 501 and 503, errors in another form, no answer."""
    run = HttpRun()

    def send_some(first: int) -> None:
        with httpx.Client(base_url=system.web, timeout=TIMEOUT_SECONDS) as client:
            for number in range(first, count, CLIENTS):
                _send(client, random.Random(f"oip/{seed}/{number}"), number, run)

    with ThreadPoolExecutor(CLIENTS) as threads:
        list(threads.map(send_some, range(CLIENTS)))
    return run


def _send(client: httpx.Client, dice: random.Random, number: int, run: HttpRun) -> None:
    body, headers = _body(dice)
    try:
        response = client.post(dice.choice(PATHS), content=body, headers=headers)
    except httpx.TransportError as error:
        run.findings.append(f"open inference {number}: {type(error).__name__} {error}")
        return
    status = response.status_code
    run.statuses[str(status)] += 1
    if (status >= 500 and status not in (501, 503)) or not _is_of_protocol(response):
        run.findings.append(f"open inference {number}: {status} {response.text[:200]}")


def _is_of_protocol(response: httpx.Response) -> bool:
    if response.status_code == 200:
        return True
    try:
        return bool(response.json()["error"])
    except (ValueError, KeyError, TypeError):
        return False


def _body(dice: random.Random) -> tuple[bytes, dict[str, str]]:
    if dice.random() < 0.1:
        return mutated(dice.randrange(1_000_000), 0), {"Inference-Header-Content-Length": dice.choice(("0", "1", "-1"))}
    name, datatype, shape, elements = _input(dice)
    is_binary = dice.random() < 0.5
    binary = _packed(elements) if is_binary else b""
    given: dict[str, Any] = {"name": name, "datatype": datatype, "shape": shape}
    if is_binary:
        given["parameters"] = {"binary_data_size": len(binary) + dice.choice((0, 0, 0, 1, -1))}
    else:
        given["data"] = [base64.b64encode(each).decode() for each in elements]
    request: dict[str, Any] = {"inputs": [given]}
    if dice.random() < 0.3:
        request["parameters"] = {"binary_data_output": dice.choice((True, False, 1))}
    if dice.random() < 0.4:
        target = dice.choice((request, given))
        target[dice.choice(("id", "inputs", "outputs", "parameters", "name", "shape", "datatype", "data"))] = (
            dice.choice(ODD_VALUES)
        )
    head = bytearray(json.dumps(request).encode())
    if dice.random() < 0.2:
        head[dice.randrange(len(head))] ^= 1 << dice.randrange(8)
    length = len(head) + dice.choice((0, 0, 0, 0, 1, -1, 1000))
    headers = {"Inference-Header-Content-Length": str(length)} if is_binary or dice.random() < 0.2 else {}
    return bytes(head) + binary, headers
