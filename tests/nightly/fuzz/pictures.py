"""Uploads mutated pictures to a running system, and finds the slowest light photo among them."""

import heapq
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import grpc
import httpx
from verger.v1 import classifier_pb2, classifier_pb2_grpc, model_pb2

from engine.errors import InvalidArgument
from engine.photo.opening import Limits, open_photo
from tests.nightly.fuzz.mutations import mutated
from tests.support.systems.system import System

CLIENTS = 4
SLOWEST = 200
"""Pictures that are sent again, alone, after the run."""
REPEATS = 3
TIMEOUT_SECONDS = 30.0


@dataclass
class PictureRun:
    """What became of the pictures: outcomes by status and reason, what is wrong, and the slowest answers."""

    outcomes: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    slowest: list[tuple[float, int]] = field(default_factory=list)
    """Seconds and number of a picture: a heap, the least slow one first."""

    def add(self, number: int, seconds: float, outcome: str, is_wrong: bool) -> None:
        """Adds an answer. Threads call it one at a time."""
        self.outcomes[outcome] += 1
        if is_wrong:
            self.findings.append(f"picture {number}: {outcome}")
        heapq.heappush(self.slowest, (seconds, number))
        if len(self.slowest) > SLOWEST:
            heapq.heappop(self.slowest)


@dataclass(frozen=True)
class LightPhoto:
    """The slowest light photo: its number, its format, and the seconds that its answer took without other load."""

    number: int
    format: str
    seconds: float


def send_pictures(system: System, numbers: range, seed: int) -> PictureRun:
    """Sends the pictures with these numbers. An answer of 5xx is wrong, unless it is 503 and says when to try again."""
    run, lock, waiting = PictureRun(), threading.Lock(), iter(numbers)

    def send_all() -> None:
        with httpx.Client(base_url=system.web, timeout=TIMEOUT_SECONDS) as client:
            while True:
                with lock:
                    number = next(waiting, None)
                if number is None:
                    return
                picture, begun = mutated(number, seed), time.monotonic()
                outcome, is_wrong = _send(client, picture)
                with lock:
                    run.add(number, time.monotonic() - begun, outcome, is_wrong)

    with ThreadPoolExecutor(CLIENTS) as threads:
        for done in [threads.submit(send_all) for _ in range(CLIENTS)]:
            done.result()
    return run


def slowest_light_photo(system: System, run: PictureRun, seed: int) -> LightPhoto | None:
    """Sends the slowest pictures again, one at a time, as often as REPEATS says, and looks which of them are light."""
    spec, limits = _preprocessing(system)
    found = []
    with httpx.Client(base_url=system.web, timeout=TIMEOUT_SECONDS) as client:
        for _, number in run.slowest:
            picture = mutated(number, seed)
            format = _light_format(picture, spec, limits)
            if format:
                seconds = min(_seconds(client, picture) for _ in range(REPEATS))
                found.append(LightPhoto(number, format, seconds))
    return max(found, key=lambda photo: photo.seconds, default=None)


def _send(client: httpx.Client, picture: bytes) -> tuple[str, bool]:
    try:
        response = client.post("/api/v1/classify", content=picture)
    except httpx.TransportError as error:
        return type(error).__name__, True
    if response.status_code == 200:
        return "200", False
    reason = response.json().get("reason", "no reason")
    is_honest = response.status_code < 500 or (response.status_code == 503 and "retry-after" in response.headers)
    return f"{response.status_code} {reason}", not is_honest or reason == "no reason"


def _seconds(client: httpx.Client, picture: bytes) -> float:
    begun = time.monotonic()
    client.post("/api/v1/classify", content=picture)
    return time.monotonic() - begun


def _preprocessing(system: System) -> tuple[model_pb2.Preprocessing, Limits]:
    with grpc.insecure_channel(system.preprocess) as channel:
        stub = classifier_pb2_grpc.ClassifierServiceStub(channel)
        found = stub.DescribeClassifier(classifier_pb2.DescribeClassifierRequest(), timeout=TIMEOUT_SECONDS)
    return found.model.contract.preprocessing, Limits(found.limits.max_bytes, found.limits.max_pixels)


def _light_format(picture: bytes, spec: model_pb2.Preprocessing, limits: Limits) -> str | None:
    """The format of a picture that is decoded on a thread; None if it is heavy, or refused before it is decoded."""
    try:
        opened = open_photo(picture, spec, limits)
    except InvalidArgument:
        return None
    return opened.image.format if opened.is_light else None
