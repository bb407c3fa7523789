"""Decodes a photo, turns it upright and resizes it, as the model's contract says. The trainer runs the same code.

A change that gives other pixels for any photo must increment engine.contract.PREPROCESSING_CODE_VERSION.
"""

import io
import warnings
from dataclasses import dataclass
from typing import cast

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError, features
from verger.v1 import model_pb2

from engine.errors import (
    ImageCorrupt,
    ImageEmpty,
    ImageFormatUnsupported,
    ImageTooLarge,
    ImageTooManyPixels,
    ImageTruncated,
    InvalidArgument,
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

# Each value of verger.v1.Resampling has a filter here.
_FILTERS = {
    model_pb2.RESAMPLING_BILINEAR: Image.Resampling.BILINEAR,
    model_pb2.RESAMPLING_BICUBIC: Image.Resampling.BICUBIC,
    model_pb2.RESAMPLING_LANCZOS: Image.Resampling.LANCZOS,
}

MAX_PIXELS = 178_000_000
"""Upper bound of Limits.max_pixels. Pillow enforces it for the whole process, in addition to the limit of each call."""

Image.MAX_IMAGE_PIXELS = MAX_PIXELS

# These settings hold for the whole process, because warnings.catch_warnings is not safe with threads. Pillow's warnings
# on metadata are not useful. Its warning on the size becomes an error, which the sender of the photo gets.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
warnings.simplefilter("error", Image.DecompressionBombWarning)


@dataclass(frozen=True)
class Limits:
    """Largest photos to accept. They are checked before anything is decoded."""

    max_bytes: int = 20 * 2**20
    """Size of the encoded photo, in bytes."""

    max_pixels: int = 64_000_000
    """Width times height, in pixels. At most MAX_PIXELS."""


def preprocess(photo: bytes, spec: model_pb2.Preprocessing, limits: Limits) -> Image.Image:
    """Decodes a photo and resizes it to the contract's width and height. Returns an 8-bit RGB picture.

    Raises:
        InvalidArgument: one of the Image... errors of engine.errors.
    """
    return resize(decode(photo, spec, limits), spec)


def decode(photo: bytes, spec: model_pb2.Preprocessing, limits: Limits) -> Image.Image:
    """Decodes a photo to an upright 8-bit RGB picture. Transparent parts become white.

    A JPEG may be decoded at a reduced size, see Preprocessing.draft_factor. An animation gives its first frame.

    Raises:
        InvalidArgument: one of the Image... errors of engine.errors.
    """
    if not photo:
        raise ImageEmpty("The file is empty. Send the bytes of a picture.")
    if len(photo) > limits.max_bytes:
        raise ImageTooLarge(f"The file has {len(photo):,} bytes; at most {limits.max_bytes:,} are accepted.")
    image = _open(photo)
    pixels = image.width * image.height
    if pixels > limits.max_pixels:
        raise ImageTooManyPixels(
            f"The picture has {image.width} x {image.height} = {pixels:,} pixels; "
            f"at most {limits.max_pixels:,} are accepted. Send a smaller copy."
        )
    if spec.draft_factor:
        image.draft("RGB", (spec.width * spec.draft_factor, spec.height * spec.draft_factor))
    try:
        return _to_rgb(_upright(image))
    except Exception as error:  # on damaged data, the parsers of seven formats raise all kinds of exceptions
        raise _explain(error) from error


def resize(
    image: Image.Image, spec: model_pb2.Preprocessing, box: tuple[float, float, float, float] | None = None
) -> Image.Image:
    """Stretches an RGB picture, or its part in `box` (left, top, right, bottom; in pixels), to the contract's size."""
    return image.resize((spec.width, spec.height), _FILTERS[spec.resampling], box)


def _open(photo: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(photo), formats=list(FORMATS))
    except UnidentifiedImageError as error:
        accepted = ", ".join(FORMATS)
        raise ImageFormatUnsupported(
            f"This is not a picture that can be read. Accepted formats: {accepted}."
        ) from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ImageTooManyPixels("The picture has far too many pixels. Send a smaller copy.") from error
    except Exception as error:
        raise _explain(error) from error


def _explain(error: Exception) -> InvalidArgument:
    text = str(error).lower()
    if "truncated" in text or "unexpected end" in text or "not enough image data" in text:
        return ImageTruncated("The picture's end is missing. Send the whole file.")
    return ImageCorrupt("The picture is damaged and can't be decoded. Save it again and send the copy.")


def _upright(image: Image.Image) -> Image.Image:
    """Loads a picture, and rotates or mirrors it as its EXIF orientation says."""
    image.load()
    try:
        is_rotated = image.getexif().get(ExifTags.Base.Orientation, 1) != 1
        return ImageOps.exif_transpose(image) if is_rotated else image  # Pillow would copy an upright picture
    except Exception:  # the metadata are damaged, but the pixels are not
        return image


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB" and not image.has_transparency_data:
        return image
    if image.mode.startswith(("I", "F")):
        return _to_8_bits(image).convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return image.convert("RGB")


def _to_8_bits(image: Image.Image) -> Image.Image:
    """Reduces grey levels to 8 bits. Integers count as 16-bit levels, floating-point numbers up to 1 as fractions."""
    _, peak = cast("tuple[float, float]", image.getextrema())  # one band, one pair
    factor = 255 if image.mode == "F" and peak <= 1 else 1 / 257 if image.mode.startswith("I;16") or peak > 255 else 1
    return image.convert("F").point(lambda level: level * factor + 0.5).convert("L")
