"""Photos of shapes in a collection."""

import hashlib
from collections.abc import Iterator, Mapping

from verger.v1 import collection_pb2, datasets_pb2

from tests.support.pictures.photos import encoded
from tests.support.servers.collection_server import SECONDS, Collection
from tests.support.trainer.shapes import LABELS, shape

NONE = collection_pb2.Label(kind=collection_pb2.LABEL_KIND_NONE)
SIDES = {"": 0, "train": datasets_pb2.DATASET_SIDE_TRAIN, "test": datasets_pb2.DATASET_SIDE_TEST}


def request(
    classifier: str, image: bytes, label: collection_pb2.Label, side: str = "", number: int = 0, send: bool = True
) -> datasets_pb2.ImportPhotosRequest:
    """A photo to import."""
    return datasets_pb2.ImportPhotosRequest(
        number=number,
        classifier=classifier,
        digest=hashlib.sha256(image).hexdigest(),
        image=image if send else b"",
        label=label,
        side=SIDES[side],
    )


def import_all(
    collection: Collection, requests: Iterator[datasets_pb2.ImportPhotosRequest]
) -> Mapping[int, datasets_pb2.ImportPhotosResponse]:
    """Imports photos. Returns the responses by their numbers."""
    return {each.number: each for each in collection.datasets.ImportPhotos(requests, timeout=SECONDS)}


def shapes(classifier: str, counts: Mapping[str, int], first: int = 0) -> Iterator[datasets_pb2.ImportPhotosRequest]:
    """Shapes of two classes, and those of the third as negatives; counts: of each side.

    Each seed from `first` on gives another picture.
    """
    for label in LABELS:
        seed = first
        for side, count in counts.items():
            for number in range(seed, seed + count):
                image = encoded(shape(label, number))
                is_class = label != LABELS[0]
                meant = collection_pb2.Label(kind=collection_pb2.LABEL_KIND_CLASS, name=label) if is_class else NONE
                yield request(classifier, image, meant, side)
            seed += count
