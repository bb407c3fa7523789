"""How photos are encoded for the transport, and how their names are written."""

import pytest

from services.web.problems import ContentEncodingUnsupported
from services.web.uploads.encodings import check_encodings, extended_filename, text


@pytest.mark.parametrize("values", [[], [""], ["identity"], ["Identity, identity"], ["binary"], ["8BIT", "7bit"]])
def test_bytes_as_they_are_are_accepted(values: list[str]) -> None:
    check_encodings(values)


@pytest.mark.parametrize(
    "encoding", ["gzip", "X-GZip", "deflate", "br", "zstd", "compress", "base64", "quoted-printable"]
)
@pytest.mark.parametrize("before", [[], ["identity"]])
def test_every_other_encoding_is_refused_by_name(encoding: str, before: list[str]) -> None:
    for values in ([*before, encoding], [", ".join([*before, encoding])]):
        with pytest.raises(ContentEncodingUnsupported, match=encoding.lower()):
            check_encodings(values)


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ("filename*=UTF-8''%C3%A9pi.jpg", "épi.jpg"),
        ("filename*=utf-8'fr'%C3%A9pi.jpg", "épi.jpg"),
        ("FILENAME*=ISO-8859-1''%E9pi.jpg", "épi.jpg"),
        ("filename=\"=?utf-8?B?w6lwaS5qcGc=?=\"; filename*=utf-8''%C3%A9pi.jpg", "épi.jpg"),
        ("filename*0*=UTF-8''%C3%A9; filename*1=pi.jpg", "épi.jpg"),
        ("filename*=UTF-8''%FF.jpg", "\ufffd.jpg"),
        ('filename="*.jpg"', None),
        ("filename*=idna''%FF", None),
        ("filename*=undefined''a", None),
    ],
)
def test_the_extended_name_is_read(parameters: str, name: str | None) -> None:
    assert extended_filename(f"form-data; name=file; {parameters}") == name


def test_names_are_utf_8_or_else_latin_1() -> None:
    assert [text("épi".encode()), text("épi".encode("latin-1")), text(b"")] == ["épi", "épi", ""]
