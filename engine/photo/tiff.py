"""Which TIFF files are decoded, and what the pixels of each mean.

TIFF combines bits, sample formats, colour spaces, byte orders, planes, tiles and compressions freely. Pillow's own
decoder gives wrong pixels for some combinations, so libtiff decodes all files, also those without compression. It gives
samples in the byte order of the processor, which Pillow has to be told for levels of more than 8 bits. A test compares
each combination with the pixels that were written.
"""

import io

from PIL import Image, ImagePalette, TiffImagePlugin
from PIL.TiffImagePlugin import (
    BITSPERSAMPLE,
    COLORMAP,
    COMPRESSION,
    EXTRASAMPLES,
    PHOTOMETRIC_INTERPRETATION,
    PLANAR_CONFIGURATION,
    SAMPLEFORMAT,
    SAMPLESPERPIXEL,
    TILELENGTH,
    TILEWIDTH,
    TiffImageFile,
)

from engine.errors import ImageCorrupt, ImageVariantUnsupported, InvalidArgument

_BIG_ENDIAN_BIGTIFF = b"MM\0+"

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", _BIG_ENDIAN_BIGTIFF)
"""First bytes of a TIFF and of a BigTIFF, by byte order."""

Tags = TiffImagePlugin.ImageFileDirectory_v2

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _CMYK = 0, 1, 2, 5
_COLOURS = {_RGB: 3, _CMYK: 4}
_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3
_SEPARATE, _BIG = 2, 43
_JPEG = (6, 7)

_COMPRESSIONS = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 34925, 50000})
"""None, fax, LZW, JPEG, Deflate, PackBits, LZMA and Zstandard."""

_COMPRESSION_NAMES = {
    34712: "JPEG 2000",
    34887: "LERC",
    34892: "lossy JPEG of raw photos",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
_COLOUR_NAMES = {0: "grey", 1: "grey", 2: "RGB", 3: "palette", 4: "mask", 5: "CMYK", 6: "YCbCr", 8: "Lab", 9: "Lab"}
_FORMAT_NAMES = {
    _SIGNED: "signed integers",
    _FLOAT: "floating-point numbers",
    5: "complex integers",
    6: "complex numbers",
}

TiffImagePlugin.READ_LIBTIFF = True
TiffImagePlugin.OPEN_INFO.update(
    {
        (order, photometric, (sample_format,), 1, (bits,), ()): modes
        for order in (TiffImagePlugin.II, TiffImagePlugin.MM)
        for photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO)
        for sample_format, bits, modes in (
            (_UNSIGNED, 12, ("I;16", "I;12")),
            (_UNSIGNED, 16, ("I;16", "I;16N")),
            (_SIGNED, 16, ("I", "I;16NS")),
            (_UNSIGNED, 32, ("I", "I;32N")),
            (_SIGNED, 32, ("I", "I;32NS")),
            (_FLOAT, 32, ("F", "F;32NF")),
            (_FLOAT, 64, ("F", "F;64NF")),
        )
    }
)
"""Pillow's table of readable files: of grey ones with more than 8 bits, it has some, and not for libtiff."""


def refuse_big_endian_bigtiff(photo: bytes) -> None:
    """Refuses a file that Pillow takes for a small TIFF.

    Raises:
        ImageVariantUnsupported: the message says what the file is.
    """
    if photo.startswith(_BIG_ENDIAN_BIGTIFF):
        raise ImageVariantUnsupported(
            "This is a big-endian BigTIFF, which can't be read. Save it as a PNG and send the copy."
        )


def refuse_garbled(image: Image.Image) -> None:
    """Refuses a TIFF that would be decoded to other pixels than its own.

    Raises:
        ImageVariantUnsupported: the message says what the file is.
    """
    if isinstance(image, TiffImageFile) and not _is_right(image.tag_v2):
        raise _refusal(image.tag_v2)


def correct_palette(image: Image.Image) -> None:
    """Reads a palette of 8-bit levels, which some programs write where TIFF has 16 bits, as libtiff's own tools do."""
    if isinstance(image, TiffImageFile) and image.mode in ("P", "PA"):
        levels = image.tag_v2[COLORMAP]
        if max(levels) < 256:
            image.palette = ImagePalette.raw("RGB;L", bytes(levels))


def explain_unreadable(photo: bytes) -> InvalidArgument:
    """Says why a file that begins like a TIFF can't be opened: an error for the sender."""
    stream = io.BytesIO(photo)
    try:
        tags = Tags(photo[: 16 if photo[2] == _BIG else 8])
        stream.seek(tags.next)
        tags.load(stream)
        if tags:
            return _refusal(tags)
    except MemoryError:
        raise  # says nothing about the file
    except Exception:  # noqa: S110  # the directory itself is damaged
        pass
    return ImageCorrupt("The TIFF is damaged and can't be decoded. Save it again and send the copy.")


def tile_size(image: Image.Image) -> tuple[int, int]:
    """Returns width and height of the tiles of a TIFF, which may be larger than the picture; 0 where it has none."""
    if not isinstance(image, TiffImageFile):
        return 0, 0
    return _first(image.tag_v2, TILEWIDTH, 0), _first(image.tag_v2, TILELENGTH, 0)


def is_negative(image: Image.Image) -> bool:
    """Returns whether the levels of a TIFF rise from white to black. Pillow inverts those of up to 8 bits."""
    return isinstance(image, TiffImageFile) and image.tag_v2.get(PHOTOMETRIC_INTERPRETATION, 0) == _WHITE_IS_ZERO


def is_signed(image: Image.Image) -> bool:
    """Returns whether the samples of a TIFF are signed integers."""
    return isinstance(image, TiffImageFile) and _first(image.tag_v2, SAMPLEFORMAT, _UNSIGNED) == _SIGNED


def largest_level(image: Image.Image) -> int:
    """Returns the largest integer that a sample can hold: of a TIFF as its tags say, else of 16 bits."""
    bits = _first(image.tag_v2, BITSPERSAMPLE, 1) if isinstance(image, TiffImageFile) else 16
    return (1 << bits - is_signed(image)) - 1


def _is_right(tags: Tags) -> bool:
    """Whether libtiff and Pillow together decode a file to its own pixels, if they decode it at all."""
    bits, compression = _first(tags, BITSPERSAMPLE, 1), tags.get(COMPRESSION, 1)
    if compression not in _COMPRESSIONS or (compression in _JPEG and bits != 8):
        return False
    if bits == 8 and _first(tags, SAMPLEFORMAT, _UNSIGNED) != _UNSIGNED:
        return False
    if tags.get(PLANAR_CONFIGURATION, 1) != _SEPARATE:
        return True
    # Pillow takes planes for red, green, blue, and a fourth one without a meaning for an alpha channel.
    photometric, samples = tags.get(PHOTOMETRIC_INTERPRETATION, 0), tags.get(SAMPLESPERPIXEL, 1)
    is_colour = photometric in (_RGB, _CMYK)
    return samples == 1 or (is_colour and (samples == _COLOURS[photometric] or EXTRASAMPLES in tags))


def _refusal(tags: Tags) -> ImageVariantUnsupported:
    """Names what a file is: bits, sample format, colours, planes and compression, as far as they are unusual."""
    samples, bits = tags.get(SAMPLESPERPIXEL, 1), _first(tags, BITSPERSAMPLE, 1)
    colours = _COLOUR_NAMES.get(tags.get(PHOTOMETRIC_INTERPRETATION, 0), "other")
    words = [f"{bits}-bit {colours}", f"{samples} sample{'s' if samples != 1 else ''} for each pixel"]
    if name := _FORMAT_NAMES.get(_first(tags, SAMPLEFORMAT, _UNSIGNED)):
        words.append(name)
    if tags.get(PLANAR_CONFIGURATION, 1) == _SEPARATE:
        words.append("separate planes")
    compression = tags.get(COMPRESSION, 1)
    if compression not in _COMPRESSIONS:
        words.append(f"{_COMPRESSION_NAMES.get(compression, f'unknown ({compression})')} compression")
    return ImageVariantUnsupported(
        f"This TIFF is of a kind that can't be read: {', '.join(words)}. Save it as a PNG, or as a TIFF of 8 bits, and "
        "send the copy."
    )


def _first(tags: Tags, tag: int, default: int) -> int:
    """The first value of a tag that has one for each sample."""
    values = tags.get(tag, default)
    return int(values[0] if isinstance(values, tuple) else values)
