"""Checks requests about dataset versions, and turns what is known of them into responses."""

from verger.v1 import collection_pb2, datasets_pb2

from engine.dataset import TEST, TRAIN
from services.collection.datasets.importing import Imported, State
from services.collection.datasets.versions import Member, Version
from services.collection.errors import FieldInvalid
from services.collection.requests import label_of, name_of
from services.collection.responses import timestamp

_SIDES = {
    datasets_pb2.DATASET_SIDE_UNSPECIFIED: None,
    datasets_pb2.DATASET_SIDE_TRAIN: TRAIN,
    datasets_pb2.DATASET_SIDE_TEST: TEST,
}
_NUMBERS = {side: number for number, side in _SIDES.items()}


def imported_of(request: datasets_pb2.ImportPhotosRequest) -> Imported:
    """Returns the photo to import.

    Raises:
        FieldInvalid: a field may not have its value.
    """
    classifier = name_of(request.classifier, "classifier")
    if len(request.digest) != 64 or not set(request.digest) <= set("0123456789abcdef"):
        raise FieldInvalid("“digest” must have 64 lower-case hexadecimal characters.", field="digest")
    if request.side not in _SIDES:
        raise FieldInvalid("“side” must be one of the sides.", field="side")
    return Imported(classifier, request.digest, label_of(request.label), _SIDES[request.side])


def state_of(state: State) -> str:
    """Returns the name of the message's value for what became of a photo."""
    return f"IMPORT_STATE_{state.upper()}"


def dataset_message(version: Version) -> datasets_pb2.Dataset:
    """Returns the message of a version."""
    classes = [
        datasets_pb2.DatasetClass(label=label, train_count=counts.train, test_count=counts.test)
        for label, counts in version.classes.items()
    ]
    return datasets_pb2.Dataset(
        classifier=version.classifier,
        version=version.version,
        digest=version.digest,
        made_at=timestamp(version.made_at),
        made_by=version.made_by,
        classes=classes,
        deleted_count=version.deleted,
    )


def member_message(member: Member, photo: collection_pb2.Photo) -> datasets_pb2.DatasetPhoto:
    """Returns the message of a photo in a version; photo: what is known of it today."""
    return datasets_pb2.DatasetPhoto(photo=photo, label=member.label, side=_NUMBERS[member.side])
