"""A running collection service, and calls to it."""

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import grpc
from verger.v1 import (
    classifier_pb2,
    collection_pb2,
    collection_pb2_grpc,
    datasets_pb2,
    datasets_pb2_grpc,
    model_pb2,
)

from services.collection.config import CollectionSettings
from services.collection.server import collection_server
from services.common import database as database_module
from tests.support.background import in_background
from tests.support.pictures.photos import encoded, scene
from tests.support.repository import ROOT

FRUITS = "fruit-classifier"
SECONDS = 120
_numbers = count()


@dataclass
class Collection:
    """A running service, and what is behind it."""

    stub: collection_pb2_grpc.CollectionServiceStub
    datasets: datasets_pb2_grpc.DatasetServiceStub
    folder: Path
    database: str
    port: int

    def add(
        self, image: bytes | None = None, request_id: str = "", **fields: object
    ) -> collection_pb2.AddPhotoResponse:
        """Adds a photo; a new one by default."""
        request = collection_pb2.AddPhotoRequest(
            request_id=request_id,
            classifier=FRUITS,
            image=new_photo() if image is None else image,
            source=collection_pb2.PHOTO_SOURCE_PAGE,
        )
        request.MergeFrom(collection_pb2.AddPhotoRequest(**fields))
        return self.stub.AddPhoto(request, timeout=SECONDS)

    def photo(self, identity: str, **fields: object) -> collection_pb2.GetPhotoResponse:
        """Returns one photo."""
        return self.stub.GetPhoto(collection_pb2.GetPhotoRequest(photo_id=identity, **fields), timeout=SECONDS)

    def listed(self, classifier: str = FRUITS, **fields: object) -> collection_pb2.ListPhotosResponse:
        """Lists photos; fields of the request, and those of the filter."""
        names = {each.name for each in collection_pb2.ListPhotosRequest.DESCRIPTOR.fields}
        wanted = collection_pb2.PhotoFilter(**{name: value for name, value in fields.items() if name not in names})
        rest = {name: value for name, value in fields.items() if name in names}
        request = collection_pb2.ListPhotosRequest(classifier=classifier, filter=wanted, **rest)
        return self.stub.ListPhotos(request, timeout=SECONDS)

    def ids(self, **fields: object) -> list[str]:
        """Ids of the listed photos."""
        return [photo.photo_id for photo in self.listed(**fields).photos]

    def label(
        self, decision: str, seen: dict[str, int], label: collection_pb2.Label, **fields: object
    ) -> collection_pb2.LabelPhotosResponse:
        """Gives photos, by the revisions that were seen, a label."""
        photos = [collection_pb2.SeenPhoto(photo_id=photo, revision=revision) for photo, revision in seen.items()]
        request = collection_pb2.LabelPhotosRequest(request_id=decision, photos=photos, label=label, **fields)
        return self.stub.LabelPhotos(request, timeout=SECONDS)

    def undo(self, change: str, decision: str) -> collection_pb2.UndoLabelsResponse:
        """Takes a decision back."""
        request = collection_pb2.UndoLabelsRequest(request_id=change, decision_id=decision, reviewer="anna")
        return self.stub.UndoLabels(request, timeout=SECONDS)

    def delete(self, *ids: str) -> int:
        """Deletes photos."""
        return self.stub.DeletePhotos(collection_pb2.DeletePhotosRequest(photo_ids=ids), timeout=SECONDS).deleted

    def method(self, name: str) -> Any:
        """Returns the method with this name, of whichever service."""
        return getattr(self.stub, name, None) or getattr(self.datasets, name)

    def labelled(self, label: collection_pb2.Label, image: bytes | None = None) -> str:
        """Adds a photo and labels it. Returns its id."""
        photo = self.add(image).photo_id
        self.label(f"label {photo}", {photo: 0}, label)
        return photo

    def make(self, made_by: str = "") -> datasets_pb2.CreateDatasetResponse:
        """Makes a dataset version."""
        request = datasets_pb2.CreateDatasetRequest(classifier=FRUITS, made_by=made_by)
        return self.datasets.CreateDataset(request, timeout=SECONDS)

    def members(self, version: int) -> list[datasets_pb2.DatasetPhoto]:
        """Lists all photos of a dataset version, two on each page."""
        found, token = [], ""
        while True:
            request = datasets_pb2.ListDatasetPhotosRequest(
                classifier=FRUITS, version=version, page_size=2, page_token=token
            )
            page = self.datasets.ListDatasetPhotos(request, timeout=SECONDS)
            found += page.photos
            token = page.next_page_token
            if not token:
                return found

    def files(self) -> list[str]:
        """Names of all files that are kept, but for the database."""
        return sorted(str(file.relative_to(self.folder)) for file in self.folder.rglob("*") if file.is_file())


def new_photo() -> bytes:
    """A photo that no test has made before."""
    return encoded(scene((96, 64), seed=next(_numbers)))


def answer(label: str = "cherry", version: str = "3", verdict: int = 1) -> classifier_pb2.Classification:
    """What a model may answer."""
    return classifier_pb2.Classification(
        verdict=verdict,
        predictions=[
            classifier_pb2.Prediction(label=label, probability=0.75),
            classifier_pb2.Prediction(label="kiwi", probability=0.25),
        ],
        model=model_pb2.ModelRef(name=FRUITS, version=version),
        scope_score=0.5,
    )


def a(label: str) -> collection_pb2.Label:
    """The label of a class."""
    return collection_pb2.Label(kind=collection_pb2.LABEL_KIND_CLASS, name=label)


@contextmanager
def running_collection(
    folder: Path, database: str, metrics_port: int = 0, database_seconds: int = SECONDS, **settings: object
) -> Iterator[Collection]:
    """Runs the service with its photos in a folder. It waits for its database as long as a busy machine needs."""
    made = CollectionSettings(
        collection_port=0,
        collection_metrics_port=metrics_port,
        collection_database_url=database,
        collection_photos_url=str(folder),
        request_timeout_seconds=SECONDS,
        drain_seconds=0,
        **settings,
    )
    with (
        patch.object(database_module, "TIMEOUT_SECONDS", database_seconds),
        in_background(collection_server(made)) as server,
        grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        stubs = collection_pb2_grpc.CollectionServiceStub(channel), datasets_pb2_grpc.DatasetServiceStub(channel)
        yield Collection(*stubs, folder, database, server.port)


@asynccontextmanager
async def collection_process(home: Path, port: int) -> AsyncIterator[Process]:
    """Runs the service as a process of its own, with all its data in a folder, until the block ends."""
    ports = {"VERGER_COLLECTION_PORT": str(port), "VERGER_COLLECTION_METRICS_PORT": "0"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.collection",
        cwd=home,
        env=os.environ | ports | {"PYTHONPATH": str(ROOT), "VERGER_HOME": str(home)},
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            request = collection_pb2.ListPhotosRequest(classifier=FRUITS)
            stub = collection_pb2_grpc.CollectionServiceStub(channel)
            await stub.ListPhotos(request, wait_for_ready=True, timeout=SECONDS)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
