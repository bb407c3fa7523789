"""Sends photos to the collection. What is there already is not sent again."""

import hashlib
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from threading import Condition
from typing import NamedTuple

from verger.v1 import collection_pb2, datasets_pb2

from dataset_client.client import DatasetClient
from dataset_client.errors import CollectionAway
from dataset_client.fetching import MAX_ATTEMPTS, SIDES, OnProgress
from engine.dataset import NEGATIVE_LABEL
from services.collection.commands.layouts import Item
from services.collection.commands.sources import Source

MAX_OPEN = 16
"""Photos that are sent ahead of their answers."""

NEEDED, REFUSED = datasets_pb2.IMPORT_STATE_IMAGE_NEEDED, datasets_pb2.IMPORT_STATE_REFUSED
_NUMBERS = {side: number for number, side in SIDES.items()}


class Refusal(NamedTuple):
    """A photo that was not imported, and why."""

    name: str
    reason: str
    message: str


class Imported(NamedTuple):
    """What became of an import: numbers of photos by state, and those that were refused."""

    counts: Counter[int]
    refusals: Sequence[Refusal]


class Sender:
    """Imports the photos of a source for a classifier."""

    def __init__(self, source: Source, items: Sequence[Item], classifier: str, who: str, max_bytes: int) -> None:
        """Prepares the import.

        Args:
            source: has the files.
            items: photos to send.
            classifier: name of the registered model that they are for.
            who: imports.
            max_bytes: size above which no photo is sent.
        """
        self._source, self._items = source, items
        self._classifier, self._who, self._max_bytes = classifier, who, max_bytes
        self._states: dict[int, int] = {}
        self._refusals: dict[int, Refusal] = {}

    def send(self, client: DatasetClient, progress: OnProgress) -> Imported:
        """Sends everything, on a new connection where one breaks.

        Raises:
            CollectionRefused, CollectionAway: the collection does not go on. What it has taken stays there.
        """
        attempts = 0
        while len(self._states) < len(self._items):
            before = len(self._states)
            stream = _Stream(self, [number for number in range(len(self._items)) if number not in self._states])
            try:
                for response in client.import_photos(stream):
                    stream.answered(response)
                    if response.state != NEEDED:
                        self._note(response)
                        progress(len(self._states), len(self._items))
            except CollectionAway:
                attempts = 0 if len(self._states) > before else attempts + 1
                if attempts == MAX_ATTEMPTS:
                    raise
                time.sleep(min(0.5 * 2**attempts, 10))
            finally:
                stream.close()
        return Imported(Counter(self._states.values()), [self._refusals[number] for number in sorted(self._refusals)])

    def request(self, number: int, with_image: bool) -> datasets_pb2.ImportPhotosRequest | None:
        """Returns the request for a photo; None if its file can't be sent, which is noted."""
        item = self._items[number]
        try:
            image = self._source.read(item.name, self._max_bytes + 1)
        except OSError as error:
            self._refuse(number, "FILE_UNREADABLE", error.strerror or str(error))
            return None
        if len(image) > self._max_bytes:
            text = f"It has more than {self._max_bytes:,} bytes. Import a smaller copy, or set VERGER_MAX_IMAGE_BYTES."
            self._refuse(number, "IMAGE_TOO_LARGE", text)
            return None
        return datasets_pb2.ImportPhotosRequest(
            number=number,
            classifier=self._classifier,
            digest=hashlib.sha256(image).hexdigest(),
            image=image if with_image else b"",
            label=_label(item.label),
            side=_NUMBERS.get(item.side, datasets_pb2.DATASET_SIDE_UNSPECIFIED),
            imported_by=self._who,
        )

    def _refuse(self, number: int, reason: str, message: str) -> None:
        self._states[number] = REFUSED
        self._refusals[number] = Refusal(self._items[number].name, reason, message)

    def _note(self, response: datasets_pb2.ImportPhotosResponse) -> None:
        self._states[response.number] = response.state
        if response.state == REFUSED:
            self._refuse(response.number, response.reason, response.message)


class _Stream:
    """The requests of one stream. gRPC takes them on a thread of its own, while answers come."""

    def __init__(self, sender: Sender, numbers: Sequence[int]) -> None:
        self._sender = sender
        self._waiting = deque((number, False) for number in numbers)
        self._open = 0
        self._is_closed = False
        self._changed = Condition()

    def __iter__(self) -> Iterator[datasets_pb2.ImportPhotosRequest]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_closed or not self._open or self._may_send())
                if self._is_closed or not self._waiting:
                    return
                number, with_image = self._waiting.popleft()
                self._open += 1
            request = self._sender.request(number, with_image)
            if request is None:
                with self._changed:
                    self._open -= 1
            else:
                yield request

    def answered(self, response: datasets_pb2.ImportPhotosResponse) -> None:
        """Goes on with the next photos, and soon with this one if its image is needed."""
        with self._changed:
            self._open -= 1
            if response.state == NEEDED:
                self._waiting.appendleft((response.number, True))
            self._changed.notify()

    def close(self) -> None:
        """Ends the requests: the stream has ended, or broken off."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def _may_send(self) -> bool:
        return bool(self._waiting) and self._open < MAX_OPEN


def _label(name: str) -> collection_pb2.Label:
    if name == NEGATIVE_LABEL:
        return collection_pb2.Label(kind=collection_pb2.LABEL_KIND_NONE)
    return collection_pb2.Label(kind=collection_pb2.LABEL_KIND_CLASS, name=name)
