"""What becomes of photos that are added, reported on and deleted."""

import io
import struct
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from PIL import ExifTags, Image
from verger.v1 import collection_pb2

from services.collection.config import CollectionSettings
from tests.support.pictures.photos import encoded, scene
from tests.support.servers.collection_server import FRUITS, SECONDS, Collection, answer, new_photo, running_collection
from tests.support.statuses import code_and_reason, metadata_of

NOT_FOUND, INVALID = grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT
WRONG = collection_pb2.Report(kind=collection_pb2.REPORT_KIND_CLASS, label="tomato", note="From my Garden")


def report(collection: Collection, request_id: str, said: collection_pb2.Report) -> str:
    request = collection_pb2.ReportAnswerRequest(request_id=request_id, classifier=FRUITS, report=said)
    return collection.stub.ReportAnswer(request, timeout=SECONDS).photo_id


def with_secrets() -> bytes:
    """A photo that lies on its side, with a place, a comment and a preview in it."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Make] = "SECRET-CAMERA"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    return encoded(scene((96, 64)), exif=exif, comment=b"SECRET-COMMENT") + b"SECRET-TRAILER"


def test_a_photo_is_kept_with_all_that_is_known_of_it(collection: Collection) -> None:
    features = struct.pack("<3f", 0.5, -1, 2)
    added = collection.add(request_id="answer-1", classification=answer(), features=features, report=WRONG)
    assert (added.request_id, added.is_new) == ("answer-1", True)
    got = collection.photo(added.photo_id, view=collection_pb2.PHOTO_VIEW_IMAGE, include_features=True)
    photo = got.photo
    assert (photo.width, photo.height, photo.source) == (96, 64, collection_pb2.PHOTO_SOURCE_PAGE)
    assert photo.size_bytes == len(got.image)
    assert photo.expires_at.seconds - photo.received_at.seconds == 365 * 24 * 3600
    (kept,) = photo.answers
    assert (kept.request_id, kept.classification, kept.report) == ("answer-1", answer(), WRONG)
    assert got.features == features
    assert not photo.HasField("label")
    small = collection.photo(added.photo_id, view=collection_pb2.PHOTO_VIEW_THUMBNAIL).image
    assert Image.open(io.BytesIO(small)).size == (96, 64)


def test_a_photo_is_kept_upright_and_without_metadata(collection: Collection) -> None:
    added = collection.add(with_secrets())
    image = collection.photo(added.photo_id, view=collection_pb2.PHOTO_VIEW_IMAGE).image
    with Image.open(io.BytesIO(image)) as opened:
        assert opened.size == (64, 96)
        assert not opened.getexif()
    files = [file.read_bytes() for file in collection.folder.rglob("*.jpg")]
    assert len(files) == 2
    assert not [content for content in files if b"SECRET" in content or b"Exif" in content]


def test_what_is_sent_twice_is_there_once(collection: Collection) -> None:
    photo = new_photo()
    first, again = (collection.add(photo, request_id="answer-1", classification=answer()) for _ in range(2))
    other = photo + b"something behind its end"  # which is not kept, so it is the same photo
    second = collection.add(other, request_id="answer-2", classification=answer("lime", "4", verdict=2))
    assert {first.photo_id} == {again.photo_id, second.photo_id}
    assert [added.is_new for added in (first, again, second)] == [True, False, False]
    assert len(collection.files()) == 2
    (listed,) = collection.listed().photos
    assert [each.request_id for each in listed.answers] == ["answer-1", "answer-2"]
    assert collection.ids(predicted_label="lime", model_version="4") == [first.photo_id]
    assert collection.ids(predicted_label="cherry") == []


def test_classifiers_keep_the_same_photo_side_by_side(collection: Collection) -> None:
    photo = new_photo()
    first, second = collection.add(photo), collection.add(photo, classifier="flowers")
    assert first.photo_id != second.photo_id
    assert collection.ids() == [first.photo_id]
    assert collection.ids(classifier="flowers") == [second.photo_id]
    assert len(collection.files()) == 2
    assert collection.delete(first.photo_id) == 1
    assert collection.photo(second.photo_id, view=collection_pb2.PHOTO_VIEW_IMAGE).image
    assert collection.delete(second.photo_id) == 1
    assert collection.files() == []


def test_a_report_finds_the_photo_by_its_answer_and_replaces_an_earlier_one(collection: Collection) -> None:
    added = collection.add(request_id="answer-1", classification=answer())
    assert (
        report(collection, "answer-1", collection_pb2.Report(kind=collection_pb2.REPORT_KIND_RIGHT)) == added.photo_id
    )
    assert report(collection, "answer-1", WRONG) == added.photo_id
    (kept,) = collection.photo(added.photo_id).photo.answers
    assert kept.report == WRONG
    assert collection.ids(report_kind=collection_pb2.REPORT_KIND_CLASS) == [added.photo_id]
    assert collection.ids(text="garden") == [added.photo_id]
    assert collection.ids(text="gar%en") == []


def test_a_report_on_a_photo_that_is_not_kept_says_so(collection: Collection) -> None:
    collection.add(request_id="answer-1")
    for request_id in ("answer-2", "Answer-1"):
        with pytest.raises(grpc.RpcError) as refused:
            report(collection, request_id, WRONG)
        assert code_and_reason(refused.value) == (NOT_FOUND, "ANSWER_UNKNOWN")


def test_nothing_of_a_deleted_photo_is_left(collection: Collection) -> None:
    features = struct.pack("<2f", 1, 2)
    added = collection.add(request_id="answer-1", classification=answer(), features=features, report=WRONG)
    collection.label("decision-1", {added.photo_id: 0}, collection_pb2.Label(kind=collection_pb2.LABEL_KIND_NONE))
    kept = collection.add()
    unknown = "0" * 32
    assert collection.delete(added.photo_id, unknown) == 1
    assert collection.delete(added.photo_id) == 0
    assert collection.ids() == [kept.photo_id]
    assert len(collection.files()) == 2
    for call in (lambda: collection.photo(added.photo_id), lambda: report(collection, "answer-1", WRONG)):
        with pytest.raises(grpc.RpcError) as refused:
            call()
        assert refused.value.code() == NOT_FOUND
    assert collection.add(request_id="answer-1").photo_id != added.photo_id


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"classifier": "a\nb"}, "classifier"),
        ({"classifier": "x" * 101}, "classifier"),
        ({"features": b"123", "classification": answer()}, "features"),
        ({"features": struct.pack("<f", float("nan")), "classification": answer()}, "features"),
        ({"features": struct.pack("<f", 1)}, "features"),
        ({"report": collection_pb2.Report(label="kiwi")}, "report.kind"),
        ({"report": collection_pb2.Report(kind=collection_pb2.REPORT_KIND_CLASS)}, "report.label"),
        ({"report": collection_pb2.Report(kind=collection_pb2.REPORT_KIND_NONE, label="kiwi")}, "report.label"),
        ({"report": collection_pb2.Report(kind=collection_pb2.REPORT_KIND_RIGHT, note="x" * 501)}, "report.note"),
        ({"report": collection_pb2.Report(kind=99)}, "report.kind"),
        ({"source": 99}, "source"),
        ({"classification": answer(verdict=0)}, "classification.verdict"),
        ({"classification": answer(label="")}, "classification.predictions.label"),
    ],
    ids=str,
)
def test_a_wrong_field_is_named(collection_once: Collection, fields: dict[str, object], field: str) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        collection_once.add(**fields)
    assert code_and_reason(refused.value) == (INVALID, "FIELD_INVALID")
    assert metadata_of(refused.value) == {"field": field}
    assert collection_once.files() == []


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (b"", "IMAGE_EMPTY"),
        (b"no picture", "IMAGE_FORMAT_UNSUPPORTED"),
        (new_photo()[:300], "IMAGE_TRUNCATED"),
        (bytes(2**21), "IMAGE_TOO_LARGE"),
        (encoded(Image.new("1", (2000, 2000)), "PNG"), "IMAGE_TOO_MANY_PIXELS"),
    ],
    ids=["empty", "text", "cut off", "too large", "too many pixels"],
)
def test_a_photo_that_nobody_can_decode_is_not_kept(collection_once: Collection, image: bytes, reason: str) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        collection_once.add(image)
    assert code_and_reason(refused.value) == (INVALID, reason)
    assert collection_once.files() == []


@pytest.fixture(scope="module")
def collection_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    """One service for all requests that it refuses, with narrow limits."""
    folder = tmp_path_factory.mktemp("collection")
    limits = {"max_image_bytes": 2**20, "max_image_pixels": 2_000_000}
    with running_collection(folder / "photos", f"sqlite:///{folder / 'collection.db'}", **limits) as running:
        yield running


def test_photos_outlive_the_service(address: str, tmp_path: Path) -> None:
    with running_collection(tmp_path / "photos", address) as first:
        added = first.add(request_id="answer-1", classification=answer())
    with running_collection(tmp_path / "photos", address) as second:
        assert second.ids() == [added.photo_id]
        assert second.photo(added.photo_id, view=collection_pb2.PHOTO_VIEW_IMAGE).image


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    settings = CollectionSettings(home=tmp_path)
    with running_collection(Path(settings.collection_photos), settings.collection_database) as collection:
        collection.add()
        modes = {file.stat().st_mode & 0o077 for file in (tmp_path / "collection").rglob("*")}
    assert modes == {0}
