"""Decodes a photo, turns it upright and resizes it, as the model's contract says. The trainer runs the same code.

A change that gives other pixels for a photo that was decoded rightly must increment
engine.contract.PREPROCESSING_CODE_VERSION.
"""

from functools import partial

from PIL import ExifTags, Image
from PIL.Image import Transpose
from verger.v1 import model_pb2

from engine.photo.bands import resize_in_bands
from engine.photo.grey import Levels, is_deep, levels_of, to_grey
from engine.photo.opening import Limits, OpenPhoto, explain, open_photo
from engine.photo.transparency import (
    apply_deep_key,
    clear_around,
    ignore_unused_alpha,
    partial_frame,
    seek_visible_frame,
)

FILTERS = {
    model_pb2.RESAMPLING_BILINEAR: Image.Resampling.BILINEAR,
    model_pb2.RESAMPLING_BICUBIC: Image.Resampling.BICUBIC,
    model_pb2.RESAMPLING_LANCZOS: Image.Resampling.LANCZOS,
}
"""Pillow's filter for each value of verger.v1.Resampling; test_decoding.py holds that the names are the same."""

_TURNS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
"""What turns a picture upright, by the value of its EXIF tag Orientation (CIPA DC-008, 4.6.5)."""

MAX_WHOLE_PIXELS = 2_000_000
"""A larger picture is converted and resized in bands, which gives the same pixels and takes less memory."""


def preprocess(photo: bytes, spec: model_pb2.Preprocessing, limits: Limits) -> Image.Image:
    """Decodes a photo and resizes it to the contract's width and height. Returns an 8-bit RGB picture.

    Raises:
        InvalidArgument: one of the Image... errors of engine.errors.
    """
    return resized(open_photo(photo, spec, limits), spec)


def resized(photo: OpenPhoto, spec: model_pb2.Preprocessing) -> Image.Image:
    """Does the rest of `preprocess` for a photo that has been opened. Raises as `preprocess`."""
    image, transpose = _load(photo)
    is_ready = transpose is None and image.mode == "RGB" and not image.has_transparency_data
    try:
        if is_ready or image.width * image.height <= MAX_WHOLE_PIXELS:
            return resize(_upright_rgb(image, transpose), spec)
        size, resampling = (spec.width, spec.height), FILTERS[spec.resampling]
        return resize_in_bands(image, partial(_to_rgb, levels=_levels(image)), transpose, size, resampling)
    except MemoryError:
        raise
    except Exception as error:
        raise explain(error) from error


def decode(photo: bytes, spec: model_pb2.Preprocessing, limits: Limits) -> Image.Image:
    """Decodes a photo to an upright 8-bit RGB picture. Transparent parts become white.

    A JPEG may be decoded at a reduced size, see Preprocessing.draft_factor. An animation gives its first frame, or, if
    that is empty, the first one that shows something.

    Raises:
        InvalidArgument: one of the Image... errors of engine.errors.
    """
    image, transpose = _load(open_photo(photo, spec, limits))
    try:
        return _upright_rgb(image, transpose)
    except Exception as error:
        raise explain(error) from error


def resize(
    image: Image.Image, spec: model_pb2.Preprocessing, box: tuple[float, float, float, float] | None = None
) -> Image.Image:
    """Stretches an RGB picture, or its part in `box` (left, top, right, bottom; in pixels), to the contract's size."""
    return image.resize((spec.width, spec.height), FILTERS[spec.resampling], box)


def _load(photo: OpenPhoto) -> tuple[Image.Image, Transpose | None]:
    """Decodes all pixels; returns them with what turns them upright."""
    image, frame = photo.image, partial_frame(photo.image)
    try:
        image.load()
        if frame:
            clear_around(image, frame)
        if photo.low_bytes:
            photo.low_bytes.load()
            apply_deep_key(image, photo.low_bytes)
        ignore_unused_alpha(image)
        seek_visible_frame(image)
    except MemoryError:
        raise
    except Exception as error:  # on damaged data, the parsers of seven formats raise all kinds of exceptions
        raise explain(error) from error
    try:
        return image, _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # the metadata are damaged, but the pixels are not
        return image, None


def _upright_rgb(image: Image.Image, transpose: Transpose | None) -> Image.Image:
    turned = image if transpose is None else image.transpose(transpose)
    return _to_rgb(turned, _levels(image))


def _levels(image: Image.Image) -> Levels | None:
    return levels_of(image) if is_deep(image) else None


def _to_rgb(image: Image.Image, levels: Levels | None) -> Image.Image:
    """Converts a picture or a part of it to RGB; `levels` are those of the whole picture if it is deep."""
    if levels:
        return to_grey(image, levels).convert("RGB")
    if image.mode == "RGB" and not image.has_transparency_data:
        return image
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return image.convert("RGB")
