"""Implements DatasetService: makes versions, hands out their photos, and imports photos."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import TypeVar

from verger.v1 import datasets_pb2, datasets_pb2_grpc

from engine.errors import InvalidArgument
from services.collection import requests, responses
from services.collection.datasets import messages
from services.collection.datasets.importing import Importer
from services.collection.datasets.looks import complete_looks
from services.collection.datasets.records import DatasetRecords
from services.collection.datasets.versions import Made
from services.collection.photos.files import IMAGES, PhotoFiles
from services.collection.records.labels import Decider
from services.collection.servicer import ADDED, decider_of, explained
from services.common.capacity.places import Places
from services.common.capacity.pool import WorkPool
from services.common.rpc.clients import current_client
from services.common.rpc.inbox import Incoming
from services.common.rpc.interceptor import Context
from services.common.rpc.streams import answer_as_ready

T = TypeVar("T")

MAX_PER_STREAM = 4
"""Requests of a stream that are read ahead of their answers."""


class DatasetServicer(datasets_pb2_grpc.DatasetServiceServicer):
    """See protos/verger/v1/datasets.proto."""

    def __init__(
        self, records: DatasetRecords, files: PhotoFiles, importer: Importer, threads: WorkPool, places: Places,
        lifetime: timedelta,
    ) -> None:  # fmt: skip
        """Creates the servicer.

        Args:
            records: the database.
            files: the bytes of photos.
            importer: keeps photos that are imported.
            threads: for work that waits.
            places: how many calls may be in progress, those of CollectionService included.
            lifetime: how long a photo is kept.
        """
        self._records, self._files, self._importer = records, files, importer
        self._threads, self._places = threads, places
        self._lifetime = lifetime

    async def CreateDataset(
        self, request: datasets_pb2.CreateDatasetRequest, context: Context
    ) -> datasets_pb2.CreateDatasetResponse:
        classifier, decider = requests.name_of(request.classifier, "classifier"), decider_of(request.made_by, "made_by")
        made = await self._ask(lambda: self._make(classifier, decider))
        return datasets_pb2.CreateDatasetResponse(
            dataset=messages.dataset_message(made.version), is_new=made.is_new, left_out=made.left_out
        )

    async def ListDatasets(
        self, request: datasets_pb2.ListDatasetsRequest, context: Context
    ) -> datasets_pb2.ListDatasetsResponse:
        classifier, size = requests.name_of(request.classifier, "classifier"), requests.page_size_of(request.page_size)
        found = await self._ask(lambda: self._records.versions(classifier, size, request.before_version or None))
        return datasets_pb2.ListDatasetsResponse(datasets=map(messages.dataset_message, found))

    async def GetDataset(
        self, request: datasets_pb2.GetDatasetRequest, context: Context
    ) -> datasets_pb2.GetDatasetResponse:
        classifier = requests.name_of(request.classifier, "classifier")
        found = await self._ask(lambda: self._records.version(classifier, request.version or None))
        return datasets_pb2.GetDatasetResponse(dataset=messages.dataset_message(found))

    async def ListDatasetPhotos(
        self, request: datasets_pb2.ListDatasetPhotosRequest, context: Context
    ) -> datasets_pb2.ListDatasetPhotosResponse:
        classifier, size = requests.name_of(request.classifier, "classifier"), requests.page_size_of(request.page_size)
        after = requests.photo_id_of(request.page_token) if request.page_token else ""
        await self._ask(lambda: self._records.version(classifier, request.version))
        found = await self._ask(lambda: self._records.members(classifier, request.version, size, after))
        photos = [
            messages.member_message(member, responses.photo_message(member.photo, self._lifetime)) for member in found
        ]
        token = found[-1].photo.id if len(found) == size else ""
        return datasets_pb2.ListDatasetPhotosResponse(photos=photos, next_page_token=token)

    async def FetchPhotos(
        self, request_iterator: Incoming[datasets_pb2.FetchPhotosRequest], context: Context
    ) -> AsyncIterator[datasets_pb2.FetchPhotosResponse]:
        async for response in answer_as_ready(request_iterator, self._fetch, MAX_PER_STREAM):
            yield response

    async def ImportPhotos(
        self, request_iterator: Incoming[datasets_pb2.ImportPhotosRequest], context: Context
    ) -> AsyncIterator[datasets_pb2.ImportPhotosResponse]:
        async for response in answer_as_ready(request_iterator, self._import, MAX_PER_STREAM):
            yield response

    async def _fetch(self, request: datasets_pb2.FetchPhotosRequest) -> datasets_pb2.FetchPhotosResponse:
        photo = requests.photo_id_of(request.photo_id)
        async with self._places.in_turn(current_client()):
            image = await self._run(lambda: self._read(photo))
        return datasets_pb2.FetchPhotosResponse(photo_id=photo, image=image)

    async def _import(self, request: datasets_pb2.ImportPhotosRequest) -> datasets_pb2.ImportPhotosResponse:
        number, image = request.number, request.image
        request.ClearField("image")  # frees its copy of the photo
        try:
            photo, decider = messages.imported_of(request), decider_of(request.imported_by, "imported_by")
            async with self._places.in_turn(current_client()):
                with explained():
                    state = await self._importer.take(photo, image, decider)
        except InvalidArgument as error:  # of this photo alone
            refused = datasets_pb2.IMPORT_STATE_REFUSED
            return datasets_pb2.ImportPhotosResponse(
                number=number, state=refused, reason=error.reason, message=str(error)
            )
        if image:
            ADDED.labels("import", str(state == "added").lower()).inc()
        return datasets_pb2.ImportPhotosResponse(number=number, state=messages.state_of(state))

    def _make(self, classifier: str, decider: Decider) -> Made:
        complete_looks(self._records, self._files, classifier)
        return self._records.make(classifier, decider)

    def _read(self, photo: str) -> bytes:
        digest = self._records.digest_of(photo)
        return self._files.read(digest, IMAGES) if digest else b""

    async def _ask(self, work: Callable[[], T]) -> T:
        with self._places.at_once(current_client()):
            return await self._run(work)

    async def _run(self, work: Callable[[], T]) -> T:
        with explained():
            return (await self._threads.run(work)).value
