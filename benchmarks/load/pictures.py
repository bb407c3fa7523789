"""Draws photos for the benchmark with gradients, edges and noise, so that they take as long to decode as real ones."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIZES = ((500, 333), (1600, 1067), (4000, 3000))


def name_of(size: tuple[int, int]) -> str:
    """Returns a name such as 500x333."""
    return f"{size[0]}x{size[1]}"


def make_pictures(folder: Path, sizes: Sequence[tuple[int, int]] = SIZES) -> dict[str, Path]:
    """Writes one JPEG of quality 90 per size and returns their paths by name. Every call writes the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name_of(size): folder / f"{name_of(size)}.jpg" for size in sizes}
    for size, path in zip(sizes, paths.values(), strict=True):
        draw(size).save(path, quality=90)
    return paths


def draw(size: tuple[int, int], seed: int = 7) -> Image.Image:
    """Draws an RGB picture of `size` (width, height) with large shapes, edges and a little noise."""
    random = np.random.default_rng(seed)
    light = Image.fromarray(random.integers(0, 256, (9, 12, 3), np.uint8)).resize(size, Image.Resampling.BICUBIC)
    texture = Image.fromarray(random.integers(96, 160, (size[1] // 6, size[0] // 6, 3), np.uint8))
    canvas = Image.blend(light, texture.resize(size, Image.Resampling.BICUBIC), 0.4)
    pen = ImageDraw.Draw(canvas)
    for _ in range(40):
        x, y = (int(random.integers(0, side)) for side in size)
        radius = int(random.integers(size[1] // 40, size[1] // 6))
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), tuple(random.integers(0, 256, 3).tolist()))
    soft = np.asarray(canvas.filter(ImageFilter.GaussianBlur(size[0] / 1500)), np.int16)
    noise = random.normal(0, 4, soft.shape).astype(np.int16)
    return Image.fromarray((soft + noise).clip(0, 255).astype(np.uint8))
