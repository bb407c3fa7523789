"""From the bytes of a photo to the pixels that a model was trained on. Pure; the trainer runs this very code.

Whoever changes what comes out of here for any photo raises engine.contract.PREPROCESSING_CODE_VERSION.
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

# Pillow's name: IANA media type. Nothing else is even looked at: a parser that never runs has no holes.
FORMATS = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "BMP": "image/bmp",
    "TIFF": "image/tiff",
    **({"AVIF": "image/avif"} if features.check("avif") else {}),
}

_FILTERS = {
    model_pb2.RESAMPLING_BILINEAR: Image.Resampling.BILINEAR,
    model_pb2.RESAMPLING_BICUBIC: Image.Resampling.BICUBIC,
    model_pb2.RESAMPLING_LANCZOS: Image.Resampling.LANCZOS,
}

# Pillow's own limit, one for the whole process, backs up the limit that each call brings along. Never None.
MOST_PIXELS = 178_000_000
Image.MAX_IMAGE_PIXELS = MOST_PIXELS

# What is wrong with a photo is said to whoever sent it, in an error; Python's warnings would end in the log, and the
# switch that a single call could use (catch_warnings) is none for threads. So for the process: Pillow's remarks on
# metadata are of no interest, and its doubt about a size is a refusal.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
warnings.simplefilter("error", Image.DecompressionBombWarning)


@dataclass(frozen=True)
class Limits:
    """What is refused before anything is decoded."""

    max_bytes: int = 20 * 2**20
    max_pixels: int = 64_000_000  # no more than MOST_PIXELS


def preprocess(photo: bytes, spec: model_pb2.Preprocessing, limits: Limits) -> Image.Image:
    """Turns an encoded photo into an RGB picture of the contract's width and height.

    Raises:
        InvalidArgument: one of the Image... errors of services.common.errors.
    """
    return resize(decode(photo, spec, limits), spec)


def decode(photo: bytes, spec: model_pb2.Preprocessing, limits: Limits) -> Image.Image:
    """Decodes a photo to an upright RGB picture, transparency on white. JPEG may come smaller, see draft_factor.

    Raises:
        InvalidArgument: one of the Image... errors of services.common.errors.
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
    except Exception as error:  # the parsers of seven formats raise whatever they like on broken data
        raise _explain(error) from error


def resize(
    image: Image.Image, spec: model_pb2.Preprocessing, box: tuple[float, float, float, float] | None = None
) -> Image.Image:
    """Stretches an RGB picture, or the part of it in `box` (left, top, right, bottom), to the contract's size."""
    return image.resize((spec.width, spec.height), _FILTERS[spec.resampling], box)


def _open(photo: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(photo), formats=list(FORMATS))
    except UnidentifiedImageError as error:
        known = ", ".join(FORMATS)
        raise ImageFormatUnsupported(f"This is not a picture that can be read. Accepted formats: {known}.") from error
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
    image.load()
    try:
        lies = image.getexif().get(ExifTags.Base.Orientation, 1) != 1
        return ImageOps.exif_transpose(image) if lies else image  # Pillow would copy a picture that is upright already
    except Exception:  # damaged metadata is no reason to refuse sound pixels
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
    """Grey levels of more than 8 bits: whole numbers are taken as 16-bit, floating point numbers up to 1 as shares."""
    _, peak = cast("tuple[float, float]", image.getextrema())  # one band, one pair
    factor = 255 if image.mode == "F" and peak <= 1 else 1 / 257 if image.mode.startswith("I;16") or peak > 255 else 1
    return image.convert("F").point(lambda level: level * factor + 0.5).convert("L")
