"""Implements CollectionService: checks requests, keeps photos, and answers questions about them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple, TypeVar

import structlog
from prometheus_client import Counter
from sqlalchemy.exc import SQLAlchemyError
from verger.v1 import collection_pb2, collection_pb2_grpc

from services.access.audit import key_user
from services.access.keys import Kind
from services.access.rpc import current_key
from services.collection import requests, responses
from services.collection.errors import StorageFull
from services.collection.facts import NewPhoto
from services.collection.keeping import Keeper
from services.collection.photos.files import IMAGES, THUMBNAILS
from services.collection.records.labels import Decider, LabelRecords
from services.collection.records.listing import PhotoList
from services.collection.records.photos import PhotoRecords
from services.common.capacity.places import Places
from services.common.capacity.pool import WorkPool
from services.common.database import DatabaseUnusable
from services.common.errors import CollectionUnavailable
from services.common.rpc.clients import current_client
from services.common.rpc.interceptor import Context
from services.common.rpc.request_ids import checked_request_id

log = structlog.get_logger(__name__)

T = TypeVar("T")

NOBODY_NAMED = "somebody"

ADDED = Counter("verger_collection_photos_total", "Photos that were sent to be kept", ["source", "is_new"])
DELETED = Counter("verger_collection_deleted_total", "Photos that were deleted", ["why"])


class Records(NamedTuple):
    """The database, from three sides."""

    photos: PhotoRecords
    labels: LabelRecords
    list: PhotoList


class CollectionServicer(collection_pb2_grpc.CollectionServiceServicer):
    """See protos/verger/v1/collection.proto."""

    def __init__(
        self, keeper: Keeper, records: Records, threads: WorkPool, places: Places, lifetime: timedelta
    ) -> None:
        """Creates the servicer.

        Args:
            keeper: adds and deletes photos.
            records: the database.
            threads: for work that waits for it.
            places: how many calls may be in progress.
            lifetime: how long a photo is kept.
        """
        self._keeper, self._records = keeper, records
        self._threads, self._places = threads, places
        self._lifetime = lifetime

    async def AddPhoto(
        self, request: collection_pb2.AddPhotoRequest, context: Context
    ) -> collection_pb2.AddPhotoResponse:
        request_id = checked_request_id(request.request_id)
        classifier = requests.name_of(request.classifier, "classifier")
        answer, features = requests.answer_of(request, request_id), requests.features_of(request)
        image = request.image
        request.ClearField("image")  # frees its copy of the photo
        with self._answering():
            added = await self._keeper.add(lambda digest: NewPhoto(classifier, digest, answer, features), image)
        ADDED.labels(answer.source.value, str(added.is_new).lower()).inc()
        return collection_pb2.AddPhotoResponse(request_id=request_id, photo_id=added.id, is_new=added.is_new)

    async def ReportAnswer(
        self, request: collection_pb2.ReportAnswerRequest, context: Context
    ) -> collection_pb2.ReportAnswerResponse:
        request_id = requests.decision_id_of(request.request_id)
        classifier, report = requests.name_of(request.classifier, "classifier"), requests.report_of(request.report)
        photo = await self._ask(lambda: self._records.photos.report(classifier, request_id, report))
        return collection_pb2.ReportAnswerResponse(photo_id=photo)

    async def ListPhotos(
        self, request: collection_pb2.ListPhotosRequest, context: Context
    ) -> collection_pb2.ListPhotosResponse:
        page = requests.page_of(request)
        photos = await self._ask(lambda: self._records.list.page(page))
        return collection_pb2.ListPhotosResponse(
            photos=[responses.photo_message(photo, self._lifetime) for photo in photos],
            next_page_token=responses.token_of(photos, page),
        )

    async def GetPhoto(
        self, request: collection_pb2.GetPhotoRequest, context: Context
    ) -> collection_pb2.GetPhotoResponse:
        identity = requests.photo_id_of(request.photo_id)
        photo, history, features = await self._ask(lambda: self._records.list.photo(identity))
        views = {collection_pb2.PHOTO_VIEW_THUMBNAIL: THUMBNAILS, collection_pb2.PHOTO_VIEW_IMAGE: IMAGES}
        kind = views.get(request.view)
        return collection_pb2.GetPhotoResponse(
            photo=responses.photo_message(photo, self._lifetime),
            history=[responses.change_message(change) for change in history],
            image=await self._keeper.read(photo.digest, kind) if kind else b"",
            features=features if request.include_features else b"",
        )

    async def LabelPhotos(
        self, request: collection_pb2.LabelPhotosRequest, context: Context
    ) -> collection_pb2.LabelPhotosResponse:
        decision = requests.decision_id_of(request.request_id)
        photos, label, decider = (
            requests.seen_of(request.photos),
            requests.label_of(request.label),
            decider_of(request.reviewer, "reviewer"),
        )
        outcome = await self._ask(lambda: self._records.labels.label(decision, photos, label, decider))
        return collection_pb2.LabelPhotosResponse(**responses.outcome_fields(outcome))

    async def UndoLabels(
        self, request: collection_pb2.UndoLabelsRequest, context: Context
    ) -> collection_pb2.UndoLabelsResponse:
        change = requests.decision_id_of(request.request_id)
        decision, decider = (
            requests.decision_id_of(request.decision_id, "decision_id"),
            decider_of(request.reviewer, "reviewer"),
        )
        outcome = await self._ask(lambda: self._records.labels.undo(change, decision, decider))
        return collection_pb2.UndoLabelsResponse(**responses.outcome_fields(outcome))

    async def DeletePhotos(
        self, request: collection_pb2.DeletePhotosRequest, context: Context
    ) -> collection_pb2.DeletePhotosResponse:
        ids, key = requests.photos_of(request.photo_ids), current_key()
        with self._answering():
            count = await self._keeper.delete(ids, key_user(key.id) if key else NOBODY_NAMED)
        DELETED.labels("asked").inc(count)
        return collection_pb2.DeletePhotosResponse(deleted=count)

    async def _ask(self, work: Callable[[], T]) -> T:
        with self._answering():
            return (await self._threads.run(work)).value

    @contextmanager
    def _answering(self) -> Iterator[None]:
        with self._places.at_once(current_client()), explained():
            yield


@contextmanager
def explained() -> Iterator[None]:
    """Turns an error of the database into one for the caller."""
    try:
        yield
    except (SQLAlchemyError, DatabaseUnusable) as error:
        log.warning("the database of the collection failed", error=type(error).__name__, message=str(error))
        if "full" in str(getattr(error, "orig", "")):  # SQLite's “database or disk is full”, PostgreSQL's “disk full”
            raise StorageFull("No space is left for photos. Nothing was kept; tell whoever runs this.") from error
        text = "The collection can't be read or changed at the moment. Try again in a few seconds."
        raise CollectionUnavailable(text) from error


def decider_of(named: str, field: str) -> Decider:
    """Returns who decides: the owner of the key, or whom a service of Verger, or where no keys are asked for, names."""
    name = requests.name_of(named, field) if named else NOBODY_NAMED
    key = current_key()
    if key is None or key.kind is Kind.SERVICE:
        return Decider(name, name)
    return Decider(key.owner, key_user(key.id))
