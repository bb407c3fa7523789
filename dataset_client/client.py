"""Calls to DatasetService."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import grpc
from verger.v1 import datasets_pb2, datasets_pb2_grpc

from dataset_client.errors import ReferenceInvalid, explained
from dataset_client.settings import DatasetClientSettings

PREFIX, LATEST = "collection:", "latest"

_FORM = re.compile(rf"([\w-][\w.-]{{0,99}})@({LATEST}|[1-9]\d{{0,8}})", re.ASCII)
"""The name of a registered model, see registry.settings, and a version. The name may be that of a folder."""

CALL_SECONDS = 60.0
MAKE_SECONDS = 3600.0
"""The first version of 100,000 photos takes minutes, because each is looked at."""

PAGE = 500


class Reference(NamedTuple):
    """What names a version: “collection:NAME@VERSION”, without the prefix."""

    classifier: str
    version: int
    """0 for the newest one."""

    def __str__(self) -> str:
        return f"{PREFIX}{self.classifier}@{self.version or LATEST}"


def reference_of(text: str) -> Reference:
    """Returns the reference in a text, with or without its prefix.

    Raises:
        ReferenceInvalid: it is none.
    """
    form = _FORM.fullmatch(text.removeprefix(PREFIX))
    if form is None:
        raise ReferenceInvalid(
            f"{text!r} names no dataset version. Write {PREFIX}NAME@VERSION: the name of the model, and the number of "
            f"the version or “{LATEST}”, such as {PREFIX}fruit-classifier@3."
        )
    return Reference(form[1], 0 if form[2] == LATEST else int(form[2]))


class DatasetClient:
    """One connection. All methods raise CollectionRefused, or CollectionAway if the collection does not answer."""

    def __init__(self, channel: grpc.Channel, settings: DatasetClientSettings) -> None:
        """Uses a channel that `connected` has opened."""
        self._stub = datasets_pb2_grpc.DatasetServiceStub(channel)
        self._target = settings.collection_target
        key = settings.key.get_secret_value() if settings.key else ""
        self._metadata = [("authorization", f"Bearer {key}")] if key else []

    def make(self, classifier: str, made_by: str) -> datasets_pb2.CreateDatasetResponse:
        """Makes a version of what is labelled now."""
        request = datasets_pb2.CreateDatasetRequest(classifier=classifier, made_by=made_by)
        made: datasets_pb2.CreateDatasetResponse = self._call("CreateDataset", request, MAKE_SECONDS)
        return made

    def version(self, reference: Reference) -> datasets_pb2.Dataset:
        """Returns a version."""
        request = datasets_pb2.GetDatasetRequest(classifier=reference.classifier, version=reference.version)
        found: datasets_pb2.GetDatasetResponse = self._call("GetDataset", request)
        return found.dataset

    def versions(self, classifier: str) -> Iterator[datasets_pb2.Dataset]:
        """Yields all versions, newest first."""
        before = 0
        while True:
            request = datasets_pb2.ListDatasetsRequest(classifier=classifier, page_size=50, before_version=before)
            page = self._call("ListDatasets", request).datasets
            yield from page
            if len(page) < 50:
                return
            before = page[-1].version

    def photos(self, dataset: datasets_pb2.Dataset) -> Iterator[datasets_pb2.DatasetPhoto]:
        """Yields all photos of a version that are still kept."""
        token = ""
        while True:
            request = datasets_pb2.ListDatasetPhotosRequest(
                classifier=dataset.classifier, version=dataset.version, page_size=PAGE, page_token=token
            )
            page = self._call("ListDatasetPhotos", request)
            yield from page.photos
            token = page.next_page_token
            if not token:
                return

    def fetch(self, photos: Sequence[str]) -> Iterator[datasets_pb2.FetchPhotosResponse]:
        """Yields the bytes of photos, by their ids, in any order."""
        requests = iter([datasets_pb2.FetchPhotosRequest(photo_id=photo) for photo in photos])
        with explained(self._target):
            yield from self._stub.FetchPhotos(requests, metadata=self._metadata)

    def import_photos(
        self, requests: Iterable[datasets_pb2.ImportPhotosRequest]
    ) -> Iterator[datasets_pb2.ImportPhotosResponse]:
        """Sends photos while answers are taken, and yields these in any order."""
        with explained(self._target):
            yield from self._stub.ImportPhotos(iter(requests), metadata=self._metadata)

    def _call(self, method: str, request: Any, seconds: float = CALL_SECONDS) -> Any:
        with explained(self._target):
            return getattr(self._stub, method)(request, metadata=self._metadata, timeout=seconds)


@contextmanager
def connected(settings: DatasetClientSettings) -> Iterator[DatasetClient]:
    """Opens a connection until the block ends. The first call connects."""
    options: list[tuple[str, Any]] = [
        ("grpc.max_receive_message_length", -1),  # a photo may be as large as the collection allows
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
    ]
    if settings.tls is None:
        channel = grpc.insecure_channel(settings.collection_target, options)
    else:
        credentials = grpc.ssl_channel_credentials((settings.tls_folder / "ca.pem").read_bytes())
        if settings.tls_server_name:
            options.append(("grpc.ssl_target_name_override", settings.tls_server_name))
        channel = grpc.secure_channel(settings.collection_target, credentials, options)
    with channel:
        yield DatasetClient(channel, settings)
