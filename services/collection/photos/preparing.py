"""Makes of a photo what is kept of it. A worker process does this, and may be killed while it does."""

import hashlib
import io
from typing import NamedTuple

from PIL import Image
from verger.v1 import model_pb2

from engine.errors import ImageCorrupt, ImageTooManyPixels, InvalidArgument
from engine.photo.alike import perceptual_hash
from engine.photo.decoding import decode
from engine.photo.opening import Limits, open_photo
from services.collection.photos.jpeg import without_metadata
from services.common.capacity.processes import limit_memory

MAX_SIDE_PIXELS = 4096
"""Longer side of a photo that has to be converted. Models look at hundreds of pixels."""

THUMBNAIL_PIXELS = 320
QUALITY, THUMBNAIL_QUALITY = 95, 80
_ORIENTATION = 0x0112


class PreparedPhoto(NamedTuple):
    """What is kept of a photo."""

    digest: str
    """SHA-256 of the image, in hexadecimal digits."""

    image: bytes
    """An upright JPEG without metadata."""

    thumbnail: bytes
    """A JPEG of at most THUMBNAIL_PIXELS in height and width."""

    width: int
    height: int
    look: int | None
    """Its perceptual hash, 0 to 2**64 - 1; None for a blank picture."""


def prepare(photo: bytes, limits: Limits) -> PreparedPhoto | InvalidArgument:
    """Returns what is kept of a photo, or the error to answer with.

    A JPEG that is upright keeps its pixels exactly. Other photos are converted, as they were for the model: turned
    upright, on white where they are transparent, the first frame of an animation.
    """
    limit_memory(limits.max_memory_bytes)
    try:
        image = _as_it_is(photo, limits) or _converted(photo, limits)
        thumbnail = _decoded(image, limits, THUMBNAIL_PIXELS)
        with Image.open(io.BytesIO(image), formats=["JPEG"]) as opened:
            width, height = opened.size
    except InvalidArgument as error:
        return error
    except MemoryError:
        return ImageTooManyPixels("Preparing the picture takes more memory than is allowed. Send a smaller copy.")
    thumbnail.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
    small = _jpeg(thumbnail, THUMBNAIL_QUALITY)
    return PreparedPhoto(hashlib.sha256(image).hexdigest(), image, small, width, height, perceptual_hash(thumbnail))


def _as_it_is(photo: bytes, limits: Limits) -> bytes | None:
    """Returns an upright JPEG in grey or colour without its metadata; None for all other photos."""
    opened = open_photo(photo, model_pb2.Preprocessing(), limits).image
    is_plain = opened.format in ("JPEG", "MPO") and opened.mode in ("L", "RGB")
    if not is_plain or _orientation(opened) not in (0, 1):
        return None
    return without_metadata(photo)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # damaged metadata turn no picture, see engine.photo.decoding
        return 1


def _converted(photo: bytes, limits: Limits) -> bytes:
    picture = _decoded(photo, limits, MAX_SIDE_PIXELS)
    picture.thumbnail((MAX_SIDE_PIXELS, MAX_SIDE_PIXELS))
    return _jpeg(picture, QUALITY)


def _decoded(photo: bytes, limits: Limits, at_least: int) -> Image.Image:
    """Decodes a photo upright, a JPEG at a scale at which it has so many pixels in width and height if it can have."""
    return decode(photo, model_pb2.Preprocessing(width=at_least, height=at_least, draft_factor=1), limits)


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    clean = without_metadata(buffer.getvalue())  # Pillow hands on comments, for example
    if clean is None:
        raise ImageCorrupt("The picture can't be saved as a JPEG. Save it again and send the copy.")
    return clean
