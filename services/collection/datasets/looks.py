"""Finds out how photos look that no version had yet. It blocks."""

import io

from PIL import Image

from engine.photo.alike import hash_or_digest
from services.collection.datasets.records import DatasetRecords
from services.collection.photos.files import THUMBNAILS, PhotoFiles

MAX_AT_ONCE = 100
"""Photos whose looks are kept together. A call that breaks off loses no more."""


def complete_looks(records: DatasetRecords, files: PhotoFiles, classifier: str) -> None:
    """Looks at the thumbnails of all labelled photos whose look is not known.

    Raises:
        StorageUnavailable: a thumbnail can't be read.
    """
    while missing := records.without_look(classifier, MAX_AT_ONCE):
        records.keep_looks({photo: _look(files.read(digest, THUMBNAILS), digest) for photo, digest in missing.items()})


def _look(thumbnail: bytes, digest: str) -> int:
    with Image.open(io.BytesIO(thumbnail), formats=["JPEG"]) as image:  # this service made it, see preparing.py
        return hash_or_digest(image, digest)
