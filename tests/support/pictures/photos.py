"""Makes photos by code."""

import io
from typing import Any

import numpy as np
from PIL import Image

RED, GREEN, BLUE = (220, 30, 30), (30, 200, 40), (20, 40, 210)
YELLOW = (230, 210, 20)


def plain(color: tuple[int, int, int] = RED, size: tuple[int, int] = (64, 48)) -> Image.Image:
    """Returns a picture of one colour."""
    return Image.new("RGB", size, color)


def scene(size: tuple[int, int] = (320, 240), seed: int = 7) -> Image.Image:
    """Returns smooth gradients with a bright blob, without symmetry. They compress like a photo."""
    height, width = size[1], size[0]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    blob = 120 * np.exp(-(((x - width / 4) / (width / 8)) ** 2 + ((y - height / 3) / (height / 9)) ** 2))
    channels = [90 * x / width + 40, 120 * y / height + 20 + blob, 60 * np.sin((x + seed * y) / 40) + 100]
    return Image.fromarray(np.stack(channels, -1).clip(0, 255).astype(np.uint8))


def patches(size: tuple[int, int] = (320, 240), seed: int = 7) -> Image.Image:
    """Returns soft patches of random colours. Two of them with other seeds don't look alike."""
    colours = np.random.default_rng(seed).integers(0, 256, (5, 6, 3)).astype(np.uint8)
    return Image.fromarray(colours).resize(size, Image.Resampling.BICUBIC)


def encoded(image: Image.Image, format: str = "JPEG", **options: Any) -> bytes:
    """Returns the bytes of a picture file in a format of Pillow."""
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def with_repeated_scan(photo: bytes, times: int) -> bytes:
    """Repeats the last scan of a progressive JPEG, which decoders accept."""
    start, end = photo.rindex(b"\xff\xda"), photo.rindex(b"\xff\xd9")
    return photo[:end] + photo[start:end] * times + photo[end:]
