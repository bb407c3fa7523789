"""Reduces grey levels of more than 8 bits to 8 bits: integers of 12 to 32 bits, and floating-point numbers."""

from dataclasses import dataclass
from typing import Any, cast

from PIL import Image, ImageMath

from engine.errors import ImageVariantUnsupported
from engine.photo.bands import MAX_BAND_PIXELS
from engine.photo.tiff import is_negative, is_signed, largest_level

_MAX_FLOAT = 3.4028234663852886e38
"""The largest finite number of 32 bits."""


@dataclass(frozen=True)
class Levels:
    """What turns the grey levels of a picture into 0 to 255: level * scale + offset."""

    scale: float
    offset: float


def is_deep(image: Image.Image) -> bool:
    """Returns whether a picture has grey levels of more than 8 bits."""
    return image.mode.startswith(("I", "F"))


def levels_of(image: Image.Image) -> Levels:
    """Finds out what black and white are in a deep grey picture.

    Integers of up to 16 bits are levels of that many bits. Of 32-bit integers the largest one tells whether they are
    levels of 8, 16 or all bits, and of floating-point numbers whether they are fractions (up to 1) or such levels;
    numbers that are not finite don't count.
    """
    if image.mode.startswith("I;16"):
        white = largest_level(image)
    else:
        peak = _peak(image)
        whites = [1, 255, 2**16 - 1] if image.mode == "F" else [255, 2**16 - 1, largest_level(image)]
        white = next((white for white in whites if peak <= white), whites[-1])
    return Levels(-255 / white, 255) if is_negative(image) else Levels(255 / white, 0)


def to_grey(image: Image.Image, levels: Levels) -> Image.Image:
    """Converts a deep grey picture, or a part of it, to mode L. The transparent level of a PNG becomes white.

    What is not a number becomes black.
    """
    wide = image.convert("F")
    grey = wide.point(lambda level: level * levels.scale + (levels.offset + 0.5))
    transparent = image.info.get("transparency")
    if transparent is not None:
        grey = _evaluated(lambda of: of["grey"] + (of["wide"] == float(transparent)) * 256.0, grey=grey, wide=wide)
    if image.mode == "F":
        grey = _evaluated(lambda of: of["max"](of["grey"], 0.0), grey=grey)
    return grey.convert("L")


def _peak(image: Image.Image) -> float:
    """The largest number, of those that are finite."""
    if image.mode == "F":
        rows = max(1, MAX_BAND_PIXELS // image.width)  # little memory at a time
        return max(_finite_peak(image, top, min(image.height, top + rows)) for top in range(0, image.height, rows))
    low, high = cast("tuple[int, int]", image.getextrema())  # one channel, one pair
    if low < 0 and not is_signed(image):
        raise ImageVariantUnsupported(
            "This TIFF has 32-bit levels above 2,147,483,647, which can't be read. Save it with 16 bits, send the copy."
        )
    return high


def _finite_peak(image: Image.Image, top: int, bottom: int) -> float:
    band = image.crop((0, top, image.width, bottom))
    # A product with what is not finite is not a number, and of that and another number, `max` is the other one.
    finite = _evaluated(lambda of: of["max"](of["band"] * (abs(of["band"]) <= _MAX_FLOAT), -_MAX_FLOAT), band=band)
    return cast("tuple[float, float]", finite.getextrema())[1]


def _evaluated(expression: Any, **images: Image.Image) -> Image.Image:
    return cast("Image.Image", ImageMath.lambda_eval(expression, **images))
