"""What is transparent in a picture, where its file says so in a way that Pillow alone does not follow."""

from PIL import Image, ImageChops, ImageFile
from PIL.TiffImagePlugin import EXTRASAMPLES, TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

Box = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels."""

MAX_FRAMES = 100
MIN_FRAMES = 3
MAX_SEARCHED_PIXELS = 8_000_000
"""Frames of an animation among which the first one that shows something is looked for: as many as have so many pixels
together, but at least MIN_FRAMES and at most MAX_FRAMES."""

_ANIMATED = ("PNG", "WEBP", "AVIF")

_GREY_STEPS = {"L;2": (0b11, 85), "L;4": (0b1111, 17), "L": (0xFF, 1)}
"""By Pillow's raw mode: the bits of a grey level in a PNG, and what they are multiplied by to make 8 bits."""


def has_deep_key(image: ImageFile.ImageFile) -> bool:
    """Returns whether a colour of three times 16 bits is transparent. Pillow keeps 8 bits of each and can't tell."""
    return _raw_mode(image) == "RGB;16B" and "transparency" in image.info


def correct_key(image: ImageFile.ImageFile) -> None:
    """Brings the transparent level of a grey PNG to the 8 bits that its pixels are expanded to."""
    if _raw_mode(image) in _GREY_STEPS and "transparency" in image.info:
        bits, step = _GREY_STEPS[_raw_mode(image)]
        image.info["transparency"] = (image.info["transparency"] & bits) * step


def read_low_bytes(image: ImageFile.ImageFile) -> None:
    """Makes a PNG of 16-bit colours that is not decoded yet give the low byte of each level instead of the high one."""
    image.tile = [image.tile[0]._replace(args="RGB;16L")]


def apply_deep_key(image: Image.Image, low: Image.Image) -> None:
    """Makes the pixels transparent whose 16-bit colour is the transparent one.

    Args:
        image: the high bytes, in mode RGB. It gets an alpha channel.
        low: the low bytes, in mode RGB.
    """
    key = image.info.pop("transparency")
    opaque = Image.new("L", image.size, 0)
    for channel, level in enumerate(key):
        for half, value in ((image, level >> 8), (low, level & 255)):
            differs = half.getchannel(channel).point([255 * (other != value) for other in range(256)])
            opaque = ImageChops.lighter(opaque, differs)
    image.putalpha(opaque)


def ignore_unused_alpha(image: Image.Image) -> None:
    """Makes a picture opaque whose alpha channel is 0 everywhere because nobody has filled it.

    Windows leaves it so in BMP, and in TIFF a fourth sample is no alpha channel unless a tag says so.
    """
    is_unsure = image.format == "BMP" or (isinstance(image, TiffImageFile) and EXTRASAMPLES not in image.tag_v2)
    if is_unsure and image.mode == "RGBA" and image.getbbox() is None:
        image.putalpha(255)


def keep_uncovered_parts(image: ImageFile.ImageFile) -> None:
    """Keeps what no frame of a WebP animation has covered yet transparent. To be called before it is decoded.

    Where no frame is transparent itself, Pillow drops the alpha channel and leaves those parts black.
    """
    if isinstance(image, WebPImageFile) and image.is_animated and image.mode == "RGB":
        image.rawmode = image._mode = "RGBA"


def partial_frame(image: ImageFile.ImageFile) -> Box | None:
    """Returns where the first frame of a GIF that is not decoded yet lies, if it leaves parts of the picture uncovered.

    A frame with a transparent colour needs no care: Pillow begins with that colour everywhere.
    """
    if image.format != "GIF" or "transparency" in image.info or image.tile[0].extents == (0, 0, *image.size):
        return None
    return image.tile[0].extents


def clear_around(image: Image.Image, frame: Box) -> None:
    """Makes what lies outside of a frame transparent, where Pillow shows the first colour of the palette."""
    covered = Image.new("L", image.size, 0)
    covered.paste(255, frame)
    image.putalpha(covered)


def may_move(image: Image.Image) -> bool:
    """Returns whether a picture may be an animation whose first frame is empty."""
    if image.format == "GIF":  # its frames are not counted, since that takes reading the whole file
        return "transparency" in image.info
    return image.format in _ANIMATED and bool(getattr(image, "is_animated", False))


def seek_visible_frame(image: Image.Image) -> None:
    """Moves a decoded animation whose first frame is empty to the first one that shows something, if it is found soon.

    Raises:
        OSError and others: the frames are damaged.
    """
    if not may_move(image):
        return
    most = max(MIN_FRAMES, min(MAX_FRAMES, MAX_SEARCHED_PIXELS // (image.width * image.height)))
    for frame in range(1, most):
        if not _is_empty(image):
            return
        try:
            image.seek(frame)
        except EOFError:
            return
        image.load()


def _is_empty(image: Image.Image) -> bool:
    """Whether all pixels are transparent."""
    if not image.has_transparency_data:
        return False
    key = image.info.get("transparency")
    if image.mode in ("L", "P") and isinstance(key, int):
        return image.getextrema() == (key, key)
    return (image if image.mode in ("LA", "RGBA") else image.convert("RGBA")).getbbox() is None


def _raw_mode(image: ImageFile.ImageFile) -> str:
    """How the pixels of a PNG that is not decoded yet are stored; empty for other formats."""
    return str(image.tile[0].args) if image.format == "PNG" else ""
