import pytest

from engine.errors import ImageTooLarge
from services.common.errors import Overloaded
from services.web.problems import ContentEncodingUnsupported, FileMissing, MultipartInvalid, TooManyFiles
from services.web.uploads.forms import FormReader

TYPE = "multipart/form-data; boundary=xyz"


def part(name: str, content: bytes, filename: str | None = None) -> bytes:
    named = f'; filename="{filename}"' if filename is not None else ""
    return f'--xyz\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + content + b"\r\n"


def body(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--xyz--\r\n"


def read(content: bytes, *, max_files: int = 3, max_file_bytes: int = 100, chunk_bytes: int = 1 << 20) -> FormReader:
    reader = FormReader(TYPE, max_files, max_file_bytes)
    for start in range(0, len(content), chunk_bytes):
        reader.write(content[start : start + chunk_bytes])
    reader.finish()
    return reader


@pytest.mark.parametrize("chunk_bytes", [1, 7, 1 << 20])
def test_photos_keep_their_order_names_and_bytes(chunk_bytes: int) -> None:
    photo = bytes(range(99)) + b"\r"
    content = body(part("file", photo, "a.jpg"), part("sample", b"kiwi"), part("file", b"\r\n--xy", "é „b“.png"))
    reader = read(content, chunk_bytes=chunk_bytes)
    assert [(upload.filename, upload.image) for upload in reader.files] == [
        ("a.jpg", photo),
        ("é „b“.png", b"\r\n--xy"),
    ]
    assert reader.fields == {"sample": "kiwi"}


def test_a_photo_that_is_too_large_does_not_affect_the_others() -> None:
    reader = read(body(part("file", b"x" * 101, "large"), part("file", b"x" * 100, "fits")), chunk_bytes=10)
    large, fits = reader.files
    assert isinstance(large.error, ImageTooLarge)
    assert large.image == b""
    assert fits.error is None
    assert len(fits.image) == 100


@pytest.mark.parametrize("chunk_bytes", [1, 7, 1 << 20])
@pytest.mark.parametrize(
    "preamble",
    [b"\r\n", b"This is a multi-part message in MIME format.\r\n", b"--other\r\n--x\r\n", b"x" * 4000 + b"\r\n"],
)
def test_text_before_the_first_part_means_nothing(preamble: bytes, chunk_bytes: int) -> None:
    reader = read(preamble + body(part("file", b"photo", "a.jpg")) + b"an epilogue", chunk_bytes=chunk_bytes)
    assert [upload.image for upload in reader.files] == [b"photo"]


@pytest.mark.parametrize(
    ("disposition", "filename"),
    [
        ("form-data; name=file; filename=a.jpg", "a.jpg"),
        ('FORM-DATA; NAME="file"; FILENAME="a.jpg"', "a.jpg"),
        ('form-data; filename="a;b.jpg"; name="file"', "a;b.jpg"),
        ('form-data; name="file"; filename="a \\"b\\".jpg"', 'a "b".jpg'),
        ('form-data; name="file"; filename="C:\\photos\\a.jpg"', "a.jpg"),
        ('form-data; name="file"; filename="?"; filename*=UTF-8\'\'%C3%A9.jpg', "é.jpg"),
        ('form-data; name="file"; filename=""', None),
        ('attachment; name="file"', None),
    ],
)
def test_names_are_read_however_they_are_written(disposition: str, filename: str | None) -> None:
    content = f"--xyz\r\nContent-Disposition: {disposition}\r\n\r\nphoto\r\n".encode()
    assert [upload.filename for upload in read(body(content)).files] == [filename]


@pytest.mark.parametrize("boundary", ['"xyz"', "xyz; charset=utf-8", '"xyz" ; x=y'])
def test_the_boundary_may_be_quoted_and_have_company(boundary: str) -> None:
    reader = FormReader(f"Multipart/Form-Data; Boundary={boundary}", 1, 100)
    reader.write(body(part("file", b"photo", "a.jpg")))
    reader.finish()
    assert [upload.image for upload in reader.files] == [b"photo"]


def test_a_photo_that_is_written_as_text_does_not_affect_the_others() -> None:
    encoded = b'--xyz\r\nContent-Disposition: form-data; name="file"\r\nContent-Transfer-Encoding: %s\r\n\r\nphoto\r\n'
    refused, accepted = read(body(encoded % b"base64", encoded % b"binary")).files
    assert isinstance(refused.error, ContentEncodingUnsupported)
    assert (refused.image, accepted.error, accepted.image) == (b"", None, b"photo")


def test_parts_that_hold_nothing_are_counted_too() -> None:
    empty = part("file", b"", "")
    assert read(body(*[empty] * 20)).files == []
    with pytest.raises(MultipartInvalid, match="too many parts"):
        read(body(*[empty] * 21))


def test_a_form_without_a_chosen_file_has_no_photo() -> None:
    assert read(body(part("file", b"", ""))).files == []


def test_the_error_for_a_wrong_field_name_names_the_right_one() -> None:
    with pytest.raises(FileMissing, match="“file”, not “photo”"):
        read(body(part("photo", b"x" * 2000, "a.jpg")))


def test_an_empty_file_counts_as_a_photo() -> None:
    (upload,) = read(body(part("file", b"", "empty.jpg"))).files
    assert (upload.filename, upload.image) == ("empty.jpg", b"")


def test_more_photos_than_the_limit_are_rejected() -> None:
    photos = [part("file", b"x", "x")] * 3
    assert len(read(body(*photos)).files) == 3
    with pytest.raises(TooManyFiles):
        read(body(*photos, part("file", b"x", "x")))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a form",
        b"x" * 5000 + b"\r\n" + part("file", b"photo", "a.jpg") + b"--xyz--\r\n",
        b"--xyz\r\nnot a header\r\n\r\n",
        part("file", b"cut off", "a.jpg"),
        body(part("note", b"x" * 2000)),
        body(*(part(f"field{number}", b"") for number in range(20))),
        body(b"--xyz\r\n" + b"x-header: y\r\n" * 100 + b"\r\n\r\n"),
    ],
)
def test_invalid_bodies_are_rejected(content: bytes) -> None:
    with pytest.raises(MultipartInvalid):
        read(content)


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "multipart/form-data", "multipart/mixed; boundary=xyz", f"{TYPE[:-3]}{'x' * 300}"],
)
def test_other_content_types_are_rejected(content_type: str) -> None:
    with pytest.raises(MultipartInvalid):
        FormReader(content_type, 1, 100)


def test_bytes_are_reserved_before_they_are_stored() -> None:
    reserved: list[int] = []

    def reserve(size: int) -> None:
        reserved.append(size)
        if sum(reserved) > 150:
            raise Overloaded("full")

    reader = FormReader(TYPE, 3, 100, reserve)
    reader.write(part("file", b"x" * 90, "a"))
    assert sum(reserved) == 90
    with pytest.raises(Overloaded):
        reader.write(part("file", b"x" * 90, "b"))
