"""Users of a running system, who send one light photo after another, and what each of them got and when."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import grpc
import httpx
from verger.v1 import classifier_pb2, classifier_pb2_grpc

from tests.support.statuses import code_and_reason
from tests.support.systems.system import System
from tests.support.systems.uploads import PAUSE_SECONDS, PHOTO

LABEL = "banana"
MAX_WAIT_SECONDS = 15.0
"""Time after which a user gives up."""

OK = "OK"


@dataclass(frozen=True)
class Answer:
    """What became of one photo. outcome: OK, a reason, or what happened instead of an answer."""

    begun: float
    """When it was sent, by the monotonic clock."""
    seconds: float
    outcome: str


Send = Callable[[], str]


class Users:
    """Four users send photos until the block ends: two over REST, from addresses of their own, and two over gRPC."""

    def __init__(self, system: System) -> None:
        self.answers: list[Answer] = []
        self._stop = threading.Event()
        self._clients: list[httpx.Client | grpc.Channel] = []
        senders = [self._rest(system, f"127.0.0.{number}") for number in (11, 12)]
        senders += [self._grpc(system) for _ in range(2)]
        self._threads = [threading.Thread(target=self._run, args=[send]) for send in senders]

    def __enter__(self) -> "Users":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        for client in self._clients:
            client.close()

    def since(self, begun: float) -> list[Answer]:
        """Returns what became of the photos that were sent after a moment of the monotonic clock."""
        return [answer for answer in self.answers if answer.begun >= begun]

    def _run(self, send: Send) -> None:
        while not self._stop.wait(PAUSE_SECONDS):
            begun = time.monotonic()
            outcome = send()
            self.answers.append(Answer(begun, time.monotonic() - begun, outcome))

    def _rest(self, system: System, address: str) -> Send:
        transport = httpx.HTTPTransport(verify=False, local_address=address)
        client = httpx.Client(base_url=system.web, transport=transport, timeout=MAX_WAIT_SECONDS)
        self._clients.append(client)

        def send() -> str:
            try:
                response = client.post("/api/v1/classify", content=PHOTO, headers=system.authorization)
            except httpx.TransportError as error:
                return type(error).__name__
            if response.status_code != 200:
                return str(response.json()["reason"])
            (result,) = response.json()["results"]
            return OK if result["predictions"][0]["label"] == LABEL else "WRONG"

        return send

    def _grpc(self, system: System) -> Send:
        options = [("grpc.use_local_subchannel_pool", 1)]  # otherwise users would share one connection
        channel = grpc.insecure_channel(system.preprocess, options)
        stub = classifier_pb2_grpc.ClassifierServiceStub(channel)
        self._clients.append(channel)
        request, metadata = classifier_pb2.ClassifyRequest(image=PHOTO, top_k=1), list(system.authorization.items())

        def send() -> str:
            try:
                answer = stub.Classify(request, timeout=MAX_WAIT_SECONDS, metadata=metadata)
            except grpc.RpcError as error:
                return reason_of_call(error)
            return OK if answer.classification.predictions[0].label == LABEL else "WRONG"

        return send


def reason_of_call(error: grpc.RpcError) -> str:
    """Returns the reason of a failed call, or its code where it has none, as when no service was reached."""
    try:
        return code_and_reason(error)[1]
    except KeyError:
        return str(error.code().name)
