"""What is kept of a photo."""

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from engine.errors import InvalidArgument
from engine.photo.opening import Limits
from services.collection.photos import preparing
from services.collection.photos.jpeg import without_metadata
from services.collection.photos.preparing import PreparedPhoto, prepare
from tests.support.pictures.photos import encoded, scene

SECRET = b"SECRET"


@pytest.fixture(autouse=True)
def tests_keep_their_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparing, "limit_memory", lambda _: None)


def prepared(photo: bytes) -> PreparedPhoto:
    made = prepare(photo, Limits())
    assert isinstance(made, PreparedPhoto), made
    return made


def pixels(photo: bytes) -> bytes:
    with Image.open(io.BytesIO(photo)) as image:
        return image.convert("RGB").tobytes()


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2, "big") + content


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"restart_marker_rows": 1}, {"subsampling": 0}], ids=str
)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_an_upright_jpeg_keeps_its_pixels_exactly(mode: str, options: dict[str, object]) -> None:
    photo = encoded(scene().convert(mode), **options)
    made = prepared(photo)
    assert pixels(made.image) == pixels(photo)
    assert (made.width, made.height) == (320, 240)
    assert made.digest == hashlib.sha256(made.image).hexdigest()


def test_nothing_but_pixels_is_left_of_a_jpeg() -> None:
    plain = encoded(scene(), progressive=True)
    head, rest = plain[:2], plain[2:]
    scan = rest.index(b"\xff\xda")
    secrets = b"".join(segment(marker, SECRET * 3) for marker in (*range(0xE0, 0xF0), 0xFE))
    photo = head + secrets + rest[:scan] + secrets + rest[scan:] + SECRET
    made = prepared(photo)
    assert SECRET not in made.image
    assert SECRET not in made.thumbnail
    assert made.digest == prepared(plain).digest


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_turned_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    made = prepared(encoded(scene((320, 160)), exif=exif))
    assert (made.width, made.height) == ((320, 160) if orientation < 5 else (160, 320))
    with Image.open(io.BytesIO(made.image)) as image:
        assert not image.getexif()


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_other_formats_become_jpegs_that_show_the_same(kind: str) -> None:
    photo = encoded(scene(), kind)
    before, after = pixels(photo), pixels(prepared(photo).image)
    assert max(abs(old - new) for old, new in zip(before, after, strict=True)) < 60


def test_what_is_kept_stays_as_it_is_when_it_is_sent_again() -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    photos = [encoded(scene()), encoded(scene(), exif=exif), encoded(scene(), "PNG"), encoded(scene().convert("CMYK"))]
    for photo in photos:
        made = prepared(photo)
        assert prepared(made.image).image == made.image


def test_a_large_photo_that_has_to_be_converted_is_made_smaller() -> None:
    made = prepared(encoded(Image.new("RGB", (5000, 2500)), "PNG"))
    assert (made.width, made.height) == (4096, 2048)


def test_the_thumbnail_is_small_and_has_the_same_shape() -> None:
    made = prepared(encoded(scene((1200, 600))))
    with Image.open(io.BytesIO(made.thumbnail)) as thumbnail:
        assert thumbnail.size == (320, 160)


def cut() -> Iterator[bytes]:
    photo = encoded(scene())
    for end in range(3, len(photo) - 1, 97):
        yield photo[:end]


def test_a_jpeg_that_is_cut_off_anywhere_is_refused_or_none_of_ours() -> None:
    for photo in cut():
        assert without_metadata(photo) is None
        assert isinstance(prepare(photo, Limits()), InvalidArgument | PreparedPhoto)


@pytest.mark.parametrize("damage", [b"\xff\xe1\x00\x01", b"\xff\xe1\xff\xff", b"\xff\xc9\x00\x04ab", b"\x00\x00"])
def test_segments_that_lie_are_left_alone(damage: bytes) -> None:
    photo = encoded(scene())
    assert without_metadata(photo[:2] + damage + photo[2:]) is None


def test_real_photos_keep_their_pixels(photo_data: Path) -> None:
    files = sorted((photo_data / "predict").glob("*.jp*g"))[:20]
    assert files
    for file in files:
        photo = file.read_bytes()
        made = prepare(photo, Limits())
        assert isinstance(made, PreparedPhoto)
        with Image.open(io.BytesIO(photo)) as image:
            is_upright = image.getexif().get(0x0112, 1) in (0, 1) and image.mode in ("L", "RGB")
        assert not is_upright or pixels(made.image) == pixels(photo)
