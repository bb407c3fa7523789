"""The gRPC client of the collection, for reviewers."""

from collections.abc import Callable, Sequence

import grpc
from verger.v1 import collection_pb2, collection_pb2_grpc

from services.web.collecting import call_collection


class ReviewClient:
    """Lists, shows, labels and deletes kept photos.

    All methods raise VergerError: with the collection's own reason, or COLLECTION_UNAVAILABLE.
    """

    def __init__(
        self, channel: grpc.aio.Channel, timeout_seconds: float, credentials: Callable[[], Sequence[tuple[str, str]]]
    ) -> None:
        """Creates the client; see Collector."""
        self._stub = collection_pb2_grpc.CollectionServiceStub(channel)
        self._timeout, self._credentials = timeout_seconds, credentials

    async def list(self, request: collection_pb2.ListPhotosRequest) -> collection_pb2.ListPhotosResponse:
        """Returns a page of photos."""
        return await call_collection(self._stub.ListPhotos, request, self._timeout, self._credentials())

    async def photo(self, identity: str, view: collection_pb2.PhotoView) -> collection_pb2.GetPhotoResponse:
        """Returns one photo, with one of its pictures if that is asked for."""
        request = collection_pb2.GetPhotoRequest(photo_id=identity, view=view)
        return await call_collection(self._stub.GetPhoto, request, self._timeout, self._credentials())

    async def label(self, request: collection_pb2.LabelPhotosRequest) -> collection_pb2.LabelPhotosResponse:
        """Gives photos a label."""
        return await call_collection(self._stub.LabelPhotos, request, self._timeout, self._credentials())

    async def undo(self, request: collection_pb2.UndoLabelsRequest) -> collection_pb2.UndoLabelsResponse:
        """Takes a decision back."""
        return await call_collection(self._stub.UndoLabels, request, self._timeout, self._credentials())

    async def delete(self, photos: Sequence[str]) -> int:
        """Deletes photos, and returns how many there were."""
        request = collection_pb2.DeletePhotosRequest(photo_ids=photos)
        response = await call_collection(self._stub.DeletePhotos, request, self._timeout, self._credentials())
        return int(response.deleted)
