"""Unusual files that real users send; tests/conftest.py says where they come from."""

import csv
from pathlib import Path

import pytest
from verger.v1 import model_pb2

from engine.errors import ImageTruncated
from engine.photo.decoding import preprocess
from engine.photo.opening import Limits

SPEC = model_pb2.Preprocessing(width=224, height=224, resampling=model_pb2.RESAMPLING_BILINEAR, draft_factor=2)


def test_odd_photos_are_decoded_unless_they_are_truncated(photo_data: Path) -> None:
    with (photo_data / "odd" / "INDEX.csv").open() as index:
        kinds = {row["file"]: row["kind"] for row in csv.DictReader(index)}
    assert len(kinds) >= 15
    for name, kind in kinds.items():
        photo = (photo_data / "odd" / name).read_bytes()
        if "truncated" in kind:
            with pytest.raises(ImageTruncated):
                preprocess(photo, SPEC, Limits())
        else:
            assert preprocess(photo, SPEC, Limits()).size == (224, 224), name
