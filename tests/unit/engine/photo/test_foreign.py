"""Formats that are not accepted are named, with what to send instead."""

import pytest
from verger.v1 import model_pb2

from engine.errors import ImageCorrupt, ImageFormatUnsupported, ImageHeicUnsupported
from engine.photo.decoding import decode
from engine.photo.opening import Limits

SPEC = model_pb2.Preprocessing(width=224, height=224, resampling=model_pb2.RESAMPLING_BILINEAR, draft_factor=2)


def media_file(*brands: bytes) -> bytes:
    box = b"ftyp" + brands[0] + bytes(4) + b"".join(brands)
    return (len(box) + 4).to_bytes(4, "big") + box + bytes(64)


@pytest.mark.parametrize(
    "brands",
    [(b"heic", b"mif1"), (b"mif1", b"heic"), (b"msf1", b"hevc"), (b"heix", b"mif1", b"MiHB"), (b"mif1", b"miaf")],
)
def test_heic_is_named_with_the_way_out(brands: tuple[bytes, ...]) -> None:
    with pytest.raises(ImageHeicUnsupported, match=r"HEIC.*Export it as JPEG.*Most Compatible"):
        decode(media_file(*brands), SPEC, Limits())


@pytest.mark.parametrize(
    ("photo", "name"),
    [
        (b"\xff\x0a" + bytes(20), "a JPEG XL picture"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(20), "a JPEG XL picture"),
        (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(20), "a JPEG 2000 picture"),
        (b"8BPS\0\1" + bytes(20), "a Photoshop document"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", r"a drawing \(SVG\)"),
        (b"\0\0\1\0\1\0" + bytes(20), "an icon"),
        (media_file(b"crx "), "a raw photo"),
        (media_file(b"mp42", b"isom"), "a video"),
        (media_file(b"qt  "), "a video"),
    ],
)
def test_other_known_formats_are_named(photo: bytes, name: str) -> None:
    with pytest.raises(ImageFormatUnsupported, match=f"This is {name}.*such as JPEG.*Accepted formats: JPEG, PNG"):
        decode(photo, SPEC, Limits())


@pytest.mark.parametrize("start", [b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\0\x08\0\0\0"])
def test_the_beginning_of_an_accepted_format_is_damage(start: bytes) -> None:
    with pytest.raises(ImageCorrupt):
        decode(start + bytes(40), SPEC, Limits())
