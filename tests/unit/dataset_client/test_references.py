"""Texts that name dataset versions, and places of their photos."""

import pytest
from verger.v1 import collection_pb2, datasets_pb2

from dataset_client.client import Reference, reference_of
from dataset_client.errors import ReferenceInvalid
from dataset_client.fetching import place_of


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("collection:fruit-classifier@3", Reference("fruit-classifier", 3)),
        ("fruit-classifier@3", Reference("fruit-classifier", 3)),
        ("collection:flowers_2.1@latest", Reference("flowers_2.1", 0)),
    ],
)
def test_a_reference_names_a_classifier_and_a_version(text: str, reference: Reference) -> None:
    assert reference_of(text) == reference
    assert str(reference) == f"collection:{text.removeprefix('collection:')}"


@pytest.mark.parametrize(
    "text",
    [
        *("", "fruits", "fruits@", "@3", "fruits@0", "fruits@-1", "fruits@1.5", "fruits@newest", "fruits@٣"),
        *("../up@1", "..@1", "a/b@1", "fruits@9999999999", "fruits @1"),
    ],
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ReferenceInvalid, match="collection:NAME@VERSION"):
        reference_of(f"collection:{text}")


@pytest.mark.parametrize(
    ("source", "label", "side", "place"),
    [
        ("PAGE", "kiwi", "TRAIN", "train/kiwi/field_17.jpg"),
        ("IMPORT", "kiwi", "TEST", "test/kiwi/imported_17.jpg"),
        ("REST", "", "TEST", "negatives/test/field_17.jpg"),
    ],
)
def test_file_names_tell_photos_of_the_field_from_imported_ones(source: str, label: str, side: str, place: str) -> None:
    photo = collection_pb2.Photo(photo_id=f"{17:032x}", source=f"PHOTO_SOURCE_{source}")
    assert str(place_of(datasets_pb2.DatasetPhoto(photo=photo, label=label, side=f"DATASET_SIDE_{side}"))) == place
