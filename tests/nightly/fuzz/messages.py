"""Calls every method of gRPC with messages that no client library makes."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.message import DecodeError, Message
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from verger.oip import open_inference_pb2 as oip
from verger.v1 import classifier_pb2, inference_pb2

from tests.nightly.fuzz.mutations import mutated
from tests.nightly.fuzz.open_inference import batch
from tests.support.systems.launched import Launched

CLIENTS = 4
TIMEOUT_SECONDS = 30.0

UNREADABLE = {"INTERNAL", "INVALID_ARGUMENT"}
"""Right codes for bytes that are no message of the method."""

READABLE = {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "RESOURCE_EXHAUSTED"}


@dataclass(frozen=True)
class Method:
    """A method of a service. request makes a message that it can read, with unusual values."""

    address: str
    path: str
    kind: type[Message] | None
    """None: there is no such method."""
    is_stream: bool
    request: Callable[[random.Random], Message]


@dataclass
class MessageRun:
    """How often each code ended a call, and what is wrong."""

    codes: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)


def send_messages(system: Launched, count: int, seed: int) -> MessageRun:
    """Sends `count` calls. Wrong are: codes that don't say what happened, and calls without an answer in time."""
    run = MessageRun()
    methods = _methods(system)
    with grpc.insecure_channel(system.preprocess) as one, grpc.insecure_channel(system.inference) as other:
        channels = {system.preprocess: one, system.inference: other}

        def call(number: int) -> tuple[int, str, str, bool]:
            dice = random.Random(f"{seed}/{number}")
            method = dice.choice(methods)
            messages = [_message(method, dice) for _ in range(dice.randint(1, 4) if method.is_stream else 1)]
            code = _called(channels[method.address], method, messages)
            return number, method.path, code, code in _right_codes(method, messages)

        with ThreadPoolExecutor(CLIENTS) as threads:
            for number, path, code, is_right in threads.map(call, range(count)):
                run.codes[code] += 1
                if not is_right:
                    run.findings.append(f"message {number}: {code} from {path}")
    return run


def _methods(system: Launched) -> Sequence[Method]:
    classifier, inference = "/verger.v1.ClassifierService", "/verger.v1.InferenceService"
    classify, infer = classifier_pb2.ClassifyRequest, inference_pb2.InferRequest
    describe, check = classifier_pb2.DescribeClassifierRequest, health_pb2.HealthCheckRequest
    reflect, model = reflection_pb2.ServerReflectionRequest, inference_pb2.GetModelRequest
    reflection = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
    here, there = system.preprocess, system.inference
    return (
        Method(here, f"{classifier}/Classify", classify, False, _photo),
        Method(here, f"{classifier}/ClassifyStream", classify, True, _photo),
        Method(here, f"{classifier}/DescribeClassifier", describe, False, lambda _: describe()),
        Method(here, f"{classifier}/Unheard", None, False, _photo),
        Method(here, "/grpc.health.v1.Health/Check", check, False, lambda dice: check(service=_text(dice))),
        Method(here, reflection, reflect, True, lambda dice: reflect(file_by_filename=_text(dice))),
        *(method for address in (here, there) for method in _of_open_inference(address)),
        Method(there, f"{inference}/Infer", infer, True, _tensor),
        Method(there, f"{inference}/GetModel", model, False, lambda _: model()),
    )


def _of_open_inference(address: str) -> Sequence[Method]:
    service, metadata, ready = "/inference.GRPCInferenceService", oip.ModelMetadataRequest, oip.ModelReadyRequest
    return (
        Method(address, f"{service}/ModelInfer", oip.ModelInferRequest, False, batch),
        Method(address, f"{service}/ModelInfer", oip.ModelInferRequest, False, batch),
        Method(address, f"{service}/ModelMetadata", metadata, False, lambda dice: metadata(name=_text(dice))),
        Method(address, f"{service}/ModelReady", ready, False, lambda dice: ready(version=_text(dice))),
        Method(address, f"{service}/ServerReady", oip.ServerReadyRequest, False, lambda _: oip.ServerReadyRequest()),
        Method(address, f"{service}/RepositoryModelLoad", None, False, batch),
    )


def _right_codes(method: Method, messages: Sequence[bytes]) -> set[str]:
    if method.kind is None:
        return {"UNIMPLEMENTED"}
    for message in messages:
        try:
            method.kind.FromString(message)
        except DecodeError:
            return UNREADABLE
    return READABLE


def _called(channel: grpc.Channel, method: Method, messages: Sequence[bytes]) -> str:
    try:
        if method.is_stream:
            _exhaust(channel.stream_stream(method.path)(iter(messages), timeout=TIMEOUT_SECONDS))
        else:
            channel.unary_unary(method.path)(messages[0], timeout=TIMEOUT_SECONDS)
    except grpc.RpcError as error:
        return str(error.code().name)
    return "OK"


def _exhaust(answers: Iterator[bytes]) -> None:
    for _ in answers:
        pass


def _message(method: Method, dice: random.Random) -> bytes:
    """Random bytes; or a message as it is, with further fields, or with changed bits."""
    sound = bytearray(method.request(dice).SerializeToString())
    match dice.randrange(4):
        case 0:
            return dice.randbytes(dice.randrange(200))
        case 1:
            sound += b"\xfa\x7f\x04more"  # the bytes field with the number 2047
        case 2:
            for _ in range(dice.randint(1, 8)):
                if sound:
                    sound[dice.randrange(len(sound))] ^= 1 << dice.randrange(8)
    return bytes(sound)


def _photo(dice: random.Random) -> Message:
    picture = mutated(dice.randrange(1_000_000), 0) if dice.random() < 0.5 else dice.randbytes(dice.randrange(100))
    return classifier_pb2.ClassifyRequest(
        request_id=_text(dice), image=picture, top_k=_number(dice), include_evidence=dice.random() < 0.5
    )


def _tensor(dice: random.Random) -> Message:
    shape: dict[str, Any] = {"shape": [_number(dice) & 0x7FFFFFFF for _ in range(dice.randrange(5))]}
    tensor = inference_pb2.Tensor(dtype=dice.randrange(6), data=dice.randbytes(dice.choice((0, 4, 150_528))), **shape)
    return inference_pb2.InferRequest(
        request_id=_text(dice), tensor=tensor, preprocessing_digest=_text(dice), top_k=_number(dice)
    )


def _number(dice: random.Random) -> int:
    return dice.choice((0, 1, 3, 224, 2**31 - 1, 2**32 - 1))


def _text(dice: random.Random) -> str:
    return "".join(chr(dice.choice((dice.randrange(128), dice.randrange(0xD800)))) for _ in range(dice.randrange(150)))
