"""Turns what people have into the bytes of an image file."""

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

from verger_client.errors import PhotoError

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

Photo = Union[str, "os.PathLike[str]", bytes, "Image.Image", "np.ndarray[Any, Any]"]
"""A path, the bytes of an image file, a Pillow image, or a uint8 array of shape [height, width], with 3 or 4 channels
last where it has colours."""

_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
"""Modes of Pillow that PNG has as well."""


def encoded(photo: Photo) -> bytes:
    """Returns the bytes of an image file. Pillow images and arrays become PNG, which loses nothing.

    Raises:
        PhotoError: the file can't be read, or the array is no picture.
        TypeError: this is nothing that can be a photo.
    """
    if isinstance(photo, (bytes, bytearray, memoryview)):
        return bytes(photo)
    if isinstance(photo, (str, os.PathLike)):
        return _read(Path(photo))
    if hasattr(photo, "__array_interface__") and not hasattr(photo, "convert"):
        return _png(_image_of(photo))
    if hasattr(photo, "convert"):
        return _png(photo)
    raise TypeError(f"A photo is a path, bytes, a Pillow image or an array, not {type(photo).__name__}.")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PhotoError(f"{path} can't be read: {error.strerror}.", "FILE_UNREADABLE") from error


def _image_of(array: Any) -> "Image.Image":
    from PIL import Image

    if array.dtype != "uint8" or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        shape = "x".join(map(str, array.shape))
        raise PhotoError(
            f"An array of {array.dtype} of shape {shape} is no photo. Give uint8, [height, width] or "
            "[height, width, 3 or 4].",
            "ARRAY_INVALID",
        )
    return Image.fromarray(array)


def _png(image: Any) -> bytes:
    file = io.BytesIO()
    (image if image.mode in _MODES else image.convert("RGB")).save(file, "png", compress_level=1)
    return file.getvalue()
