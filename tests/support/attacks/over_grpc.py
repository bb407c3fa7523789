"""Attackers over gRPC, through its library or with frames of HTTP/2 of their own. Each function is one wave."""

import random
import socket
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import cycle, islice, repeat

import grpc
from verger.v1 import classifier_pb2, classifier_pb2_grpc

from services.access.keys import new_secret
from tests.support.attacks.broken_line import broken_line
from tests.support.attacks.target import Target, at_once, is_closed
from tests.support.statuses import reason_of
from tests.support.systems.users import reason_of_call

TIMEOUT_SECONDS = 60.0
CLASSIFY = "/verger.v1.ClassifierService/Classify"
CLASSIFY_STREAM = "/verger.v1.ClassifierService/ClassifyStream"
MAX_MESSAGE_BYTES = 64 * 2**20

HEADERS, RESET, SETTINGS, PING, GOAWAY = 1, 3, 4, 6, 7
END_HEADERS = 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def send_streams(target: Target, photo: bytes, photos: int, streams: int) -> Counter[str]:
    """Sends `photos` photos on each of several streams of one client, as fast as flow control allows."""
    with grpc.insecure_channel(target.preprocess, [("grpc.max_send_message_length", MAX_MESSAGE_BYTES)]) as channel:
        stub = classifier_pb2_grpc.ClassifierServiceStub(channel)
        message = classifier_pb2.ClassifyRequest(image=photo, top_k=1)

        def attack() -> str:
            outcomes = [_outcome(answer) for answer in _answers(stub, repeat(message, photos))]
            return ", ".join(sorted(set(outcomes)))

        return at_once(streams, attack)


def send_messages(target: Target, messages: Sequence[bytes]) -> Counter[str]:
    """Sends bytes as the message of a call, and as the first one of a stream. Returns the codes of their ends."""
    outcomes: Counter[str] = Counter()
    with grpc.insecure_channel(target.preprocess) as channel:
        unary, stream = channel.unary_unary(CLASSIFY), channel.stream_stream(CLASSIFY_STREAM)
        for message in messages:
            for call in (lambda: unary(message, timeout=TIMEOUT_SECONDS), lambda: [*_sent(stream, message)]):  # noqa: B023
                try:
                    call()
                    outcomes["OK"] += 1
                except grpc.RpcError as error:
                    outcomes[error.code().name] += 1
    return outcomes


def send_wrong_keys(target: Target, keys: int, channels: int) -> Counter[str]:
    """Asks for the model with as many keys at once, none of which exists."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    request = classifier_pb2.DescribeClassifierRequest()
    with ExitStack() as stack:
        opened = [stack.enter_context(grpc.insecure_channel(target.preprocess, options)) for _ in range(channels)]
        stubs = [classifier_pb2_grpc.ClassifierServiceStub(channel) for channel in opened]
        calls = [
            stub.DescribeClassifier.future(
                request, timeout=TIMEOUT_SECONDS, metadata=[("authorization", f"Bearer {new_secret().text}")]
            )
            for stub in islice(cycle(stubs), keys)
        ]
        return Counter(reason_of_call(call.exception()) for call in calls)


def send_request_ids(target: Target, request_id: str, count: int) -> Counter[str]:
    """Sends a request id of the attacker's choice, with something that is no photo."""
    with grpc.insecure_channel(target.preprocess) as channel:
        stub = classifier_pb2_grpc.ClassifierServiceStub(channel)
        message = classifier_pb2.ClassifyRequest(request_id=request_id, image=b"no photo")

        def attack() -> str:
            try:
                stub.Classify(message, timeout=TIMEOUT_SECONDS)
            except grpc.RpcError as error:
                return reason_of_call(error)
            return "OK"

        return at_once(count, attack)


def reset_rapidly(target: Target, calls: int, connections: int) -> Counter[str]:
    """Begins calls and takes them back at once, as many as the server lets through."""

    def attack() -> str:
        with _connect(target) as connection:
            try:
                for first in range(1, 2 * calls, 200):
                    ids = range(first, first + 200, 2)
                    connection.sendall(b"".join(_begun(number) + _reset(number) for number in ids))
                    if is_closed(connection):
                        return "CLOSED"
            except OSError:
                return "CLOSED"
        return "SENT"

    return at_once(connections, attack)


def ping_without_end(target: Target, pings: int, connections: int) -> Counter[str]:
    """Sends pings and empty settings and reads no answer."""
    block = 500 * (_frame(PING, 0, 0, bytes(8)) + _frame(SETTINGS, 0, 0))

    def attack() -> str:
        with _connect(target) as connection:
            connection.settimeout(2)
            try:
                for _ in range(pings // 500):
                    connection.sendall(block)
            except TimeoutError:
                return "OPEN"
            except OSError:
                return "CLOSED"
        return "SENT"

    return at_once(connections, attack)


def say_goodbye(target: Target, text: bytes, connections: int) -> Counter[str]:
    """Ends connections with a text of the attacker's choice (GOAWAY)."""

    def attack() -> str:
        with _connect(target) as connection:
            connection.settimeout(1)
            try:
                connection.sendall(_frame(GOAWAY, 0, 0, struct.pack(">II", 0, 2) + text))
                while connection.recv(2**16):
                    pass
            except OSError:
                return "OPEN"
        return "CLOSED"

    return at_once(connections, attack)


def hold_half_messages(target: Target, photo: bytes, sent_bytes: int, seconds: float, calls: int) -> Counter[str]:
    """Calls over connections that carry only so many bytes, too few for the photo, and stay open."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    message = classifier_pb2.ClassifyRequest(image=photo)
    with ExitStack() as stack:
        gate = stack.enter_context(broken_line(target.preprocess_port, sent_bytes))
        channels = [stack.enter_context(grpc.insecure_channel(gate, options)) for _ in range(calls)]
        stubs = [classifier_pb2_grpc.ClassifierServiceStub(channel) for channel in channels]
        waiting = [stub.Classify.future(message, timeout=seconds) for stub in stubs]
        target.hold(lambda: not all(call.done() for call in waiting), seconds)
        for call in waiting:
            call.cancel()
        return Counter(call.code().name for call in waiting)


def random_messages(count: int, seed: int) -> list[bytes]:
    """Returns messages that are no ClassifyRequest: the first of these bytes can't begin a field."""
    dice = random.Random(seed)
    return [b"\xff\xff\xff\xff" + dice.randbytes(dice.randrange(64)) for _ in range(count)]


def _answers(
    stub: classifier_pb2_grpc.ClassifierServiceStub, messages: Iterator[classifier_pb2.ClassifyRequest]
) -> Iterator[classifier_pb2.ClassifyResponse | grpc.RpcError]:
    try:
        yield from stub.ClassifyStream(messages, timeout=TIMEOUT_SECONDS)
    except grpc.RpcError as error:
        yield error


def _outcome(answer: classifier_pb2.ClassifyResponse | grpc.RpcError) -> str:
    if isinstance(answer, grpc.RpcError):
        return reason_of_call(answer)
    return reason_of(answer.error) if answer.HasField("error") else "OK"


def _sent(stream: grpc.StreamStreamMultiCallable, message: bytes) -> Iterator[bytes]:
    yield from stream(iter([message]), timeout=TIMEOUT_SECONDS)


def _connect(target: Target) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", target.preprocess_port), TIMEOUT_SECONDS)
    connection.sendall(PREFACE + _frame(SETTINGS, 0, 0))
    return connection


def _frame(kind: int, flags: int, stream: int, content: bytes = b"") -> bytes:
    """A frame of HTTP/2 (RFC 9113, 4.1)."""
    return struct.pack(">I", len(content))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + content


def _begun(stream: int) -> bytes:
    """The head of a call, with plain header fields (RFC 7541, 6.2.2: without indexing, no Huffman code)."""
    fields = {
        ":method": "POST",
        ":scheme": "http",
        ":path": CLASSIFY,
        ":authority": "x",
        "content-type": "application/grpc",
        "te": "trailers",
    }
    words = [[bytes([len(word)]) + word.encode() for word in pair] for pair in fields.items()]
    return _frame(HEADERS, END_HEADERS, stream, b"".join(b"\0" + name + value for name, value in words))


def _reset(stream: int) -> bytes:
    return _frame(RESET, 0, stream, struct.pack(">I", 8))
