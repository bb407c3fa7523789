"""Load on a running system: clients that upload one photo after another."""

import threading

import httpx

from tests.support.repository import ROOT
from tests.support.systems.system import System

PHOTO_FILE = ROOT / "services" / "web" / "page" / "static" / "samples" / "banana.webp"
PHOTO = PHOTO_FILE.read_bytes()

PAUSE_SECONDS = 0.05
"""Pause after each answer. Without it, the load would use all cores, and the change under test needs some."""


class Uploads:
    """Uploads until the block ends. answers: all responses; lost: the errors of uploads without a response."""

    def __init__(self, system: System, clients: int = 1) -> None:
        self.answers: list[httpx.Response] = []
        self.lost: list[Exception] = []
        self._system = system
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]

    def __enter__(self) -> "Uploads":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._stop.wait(PAUSE_SECONDS):
            try:
                self.answers.append(self._system.classify(PHOTO))
            except httpx.TransportError as error:
                self.lost.append(error)

    def answered_since(self, count: int) -> bool:
        """Returns whether any answer after the first `count` is a classification."""
        return any(answer.status_code == 200 for answer in self.answers[count:])
