"""Opens a photo: everything that is known and checked before a pixel of it is decoded."""

import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image, ImageFile, UnidentifiedImageError, features
from verger.v1 import model_pb2

from engine.errors import (
    ImageCorrupt,
    ImageEmpty,
    ImageFormatUnsupported,
    ImageTooLarge,
    ImageTooManyPixels,
    ImageTruncated,
    ImageVariantUnsupported,
    InvalidArgument,
)
from engine.photo.foreign import refuse_foreign
from engine.photo.jpeg import JpegFrame, read_jpeg
from engine.photo.png import without_ballast
from engine.photo.structure import coded_size
from engine.photo.tiff import SIGNATURES as TIFF_SIGNATURES
from engine.photo.tiff import correct_palette, explain_unreadable, refuse_big_endian_bigtiff, refuse_garbled, tile_size
from engine.photo.transparency import (
    correct_key,
    has_deep_key,
    keep_uncovered_parts,
    may_move,
    partial_frame,
    read_low_bytes,
)

FORMATS = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "BMP": "image/bmp",
    "TIFF": "image/tiff",
    **({"AVIF": "image/avif"} if features.check("avif") else {}),
}
"""Accepted formats by Pillow's name, with their IANA media types. Pillow's parsers of other formats never run."""

_ACCEPTED = f"Accepted formats: {', '.join(FORMATS)}"

MAX_PIXELS = 178_000_000
"""Upper bound of Limits.max_pixels. Pillow enforces it for the whole process, in addition to the limit of each call."""

Image.MAX_IMAGE_PIXELS = MAX_PIXELS

# These settings hold for the whole process, because warnings.catch_warnings is not safe with threads. Pillow's warnings
# on metadata are not useful. Its warning on the size becomes an error, which the sender of the photo gets.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
warnings.simplefilter("error", Image.DecompressionBombWarning)

LIGHT_BYTES = 32 * 2**20
LIGHT_FILE_BYTES = 2**20
"""A light photo takes at most LIGHT_BYTES of memory to decode. Unless it is a sequential JPEG, its file has at most
LIGHT_FILE_BYTES. The slowest files found within both limits take 0.2 s of processor time."""

_FORMAT_BYTES: Mapping[str, int] = {"WEBP": 17, "AVIF": 16, "TIFF": 12}
_MODE_BYTES: Mapping[str, int] = {"1": 1, "L": 1, "P": 1, "I;16": 2}
_LAYERED_BYTES = 16
"""Most memory that decoding takes for each pixel, in bytes, by format or else by Pillow's mode; all other modes take 4.
Measured with Pillow 13 on pictures of 16 megapixels. WebP and AVIF can't be read in parts: their libraries hold the
whole picture several times. _LAYERED_BYTES holds for animations that may begin with an empty or partial frame, and
for 16-bit colours of which one is transparent: several layers are needed."""

_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")
_UNSUPPORTED_BMP = ("unsupported bmp compression", "unsupported bmp pixel depth", "unsupported bmp bitfields")


@dataclass(frozen=True)
class Limits:
    """Largest photos to accept. All limits are checked before anything is decoded."""

    max_bytes: int = 20 * 2**20
    max_pixels: int = 64_000_000  # width times height, at most MAX_PIXELS
    max_memory_bytes: int = 512 * 2**20  # that decoding one photo may take


@dataclass(frozen=True)
class OpenPhoto:
    """A photo whose header has been read and which is within all limits."""

    image: ImageFile.ImageFile
    """Not decoded yet. A JPEG is set to be decoded at a reduced size, see Preprocessing.draft_factor."""

    memory_bytes: int
    """Upper estimate of the memory that decoding takes."""

    is_light: bool
    """Whether the time and memory of decoding are known to be small; see LIGHT_BYTES."""

    low_bytes: ImageFile.ImageFile | None = None
    """The same picture, as the low bytes of its 16-bit levels. Only where a colour of 16 bits is transparent."""


def open_photo(photo: bytes, spec: model_pb2.Preprocessing, limits: Limits) -> OpenPhoto:
    """Reads the header of an encoded photo and checks everything that can be checked without decoding it.

    Raises:
        InvalidArgument: one of the Image... errors of engine.errors.
    """
    if not photo:
        raise ImageEmpty("The file is empty. Send the bytes of a picture.")
    if len(photo) > limits.max_bytes:
        raise ImageTooLarge(f"The file has {len(photo):,} bytes; at most {limits.max_bytes:,} are accepted.")
    refuse_foreign(photo, _ACCEPTED)
    refuse_big_endian_bigtiff(photo)
    jpeg = read_jpeg(photo)
    photo = without_ballast(photo)
    coded = coded_size(photo)
    if coded:
        _refuse_too_many_pixels(coded, limits)
        _refuse_too_much_memory(coded, _FORMAT_BYTES["WEBP" if photo.startswith(b"RIFF") else "AVIF"], limits)
    image = _open(photo)
    size = max(image.size, coded or image.size, tile_size(image), key=_area)
    _refuse_too_many_pixels(size, limits)
    if jpeg and jpeg.is_read_at_once:
        image.decodermaxblock = len(photo)
    if spec.draft_factor and not (jpeg and jpeg.is_lossless):
        image.draft("RGB", (spec.width * spec.draft_factor, spec.height * spec.draft_factor))
    bytes_per_pixel = _bytes_per_pixel(image, jpeg)
    _refuse_too_much_memory(size, bytes_per_pixel, limits)
    memory_bytes = bytes_per_pixel * _area(size) or 4 * _area(image.size)  # 0: a JPEG at reduced size, row by row
    is_small = len(photo) <= LIGHT_FILE_BYTES or (jpeg is not None and jpeg.has_one_scan)
    low_bytes = _low_bytes(photo) if has_deep_key(image) else None
    return OpenPhoto(image, memory_bytes, is_light=is_small and memory_bytes <= LIGHT_BYTES, low_bytes=low_bytes)


def explain(error: Exception) -> InvalidArgument:
    """Turns whatever a parser raised on damaged data into an error for the sender."""
    if isinstance(error, InvalidArgument):
        return error
    text = str(error).lower()
    if "truncated" in text or "unexpected end" in text or "not enough image data" in text:
        return ImageTruncated("The picture's end is missing. Send the whole file.")
    if text.startswith(_UNSUPPORTED_BMP):
        return ImageVariantUnsupported(f"{error}. Save the picture as PNG or JPEG and send that.")
    return ImageCorrupt("The picture is damaged and can't be decoded. Save it again and send the copy.")


def _open(photo: bytes) -> ImageFile.ImageFile:
    try:
        image = Image.open(io.BytesIO(photo), formats=list(FORMATS))
        refuse_garbled(image)
        correct_palette(image)
        correct_key(image)
        keep_uncovered_parts(image)
    except UnidentifiedImageError as error:
        raise _unidentified(photo) from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ImageTooManyPixels("The picture has far too many pixels. Send a smaller copy.") from error
    except MemoryError:
        raise
    except Exception as error:
        raise explain(error) from error
    return image


def _unidentified(photo: bytes) -> InvalidArgument:
    """Says why no parser takes a file for its own."""
    if photo.startswith(TIFF_SIGNATURES):
        return explain_unreadable(photo)
    if photo.startswith(_SIGNATURES):
        return ImageCorrupt("The picture is damaged and can't be decoded. Save it again and send the copy.")
    return ImageFormatUnsupported(f"This is not a picture that can be read. {_ACCEPTED}.")


def _low_bytes(photo: bytes) -> ImageFile.ImageFile:
    image = _open(photo)
    read_low_bytes(image)
    return image


def _area(size: tuple[int, int]) -> int:
    return size[0] * size[1]


def _refuse_too_many_pixels(size: tuple[int, int], limits: Limits) -> None:
    if _area(size) > limits.max_pixels:
        raise ImageTooManyPixels(
            f"The picture has {size[0]} x {size[1]} = {_area(size):,} pixels; "
            f"at most {limits.max_pixels:,} are accepted. Send a smaller copy."
        )


def _refuse_too_much_memory(size: tuple[int, int], bytes_per_pixel: int, limits: Limits) -> None:
    most = limits.max_memory_bytes // max(1, bytes_per_pixel)
    if _area(size) > most:
        raise ImageTooManyPixels(
            f"The picture has {size[0]} x {size[1]} = {_area(size):,} pixels; a file of this kind may have at most "
            f"{most:,}, since it can't be decoded in parts. Send a smaller copy, or a JPEG."
        )


def _bytes_per_pixel(image: ImageFile.ImageFile, jpeg: JpegFrame | None) -> int:
    """Memory that decoding takes for each pixel of the full size, beside the decoded picture of a JPEG."""
    if jpeg and image.format in ("JPEG", "MPO"):
        # Unless it has one scan, the coefficients of all components are kept until the last one: 2 bytes each.
        coefficients = 0 if jpeg.has_one_scan else 2 * len(image.getbands())
        return coefficients + 4 if jpeg.is_lossless else coefficients
    if may_move(image) or partial_frame(image) or has_deep_key(image):
        return _LAYERED_BYTES
    return _FORMAT_BYTES.get(image.format or "") or _MODE_BYTES.get(image.mode, 4)
