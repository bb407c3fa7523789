"""Generates data sets of coloured shapes."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

LABELS = ("blue_bar", "green_square", "red_circle")
SIDE = 64


def shape(label: str, seed: int) -> Image.Image:
    """Draws a shape at a random place on a noisy background, so that no two pictures are detected as copies."""
    random = np.random.default_rng((LABELS.index(label), seed))
    clouds = Image.fromarray(random.integers(100, 256, (8, 8, 3), dtype=np.uint8))
    noise = Image.fromarray(random.integers(100, 256, (SIDE, SIDE, 3), dtype=np.uint8))
    image = Image.blend(clouds.resize((SIDE, SIDE), Image.Resampling.BICUBIC), noise, 0.4)
    draw = ImageDraw.Draw(image)
    left, top = random.integers(4, 32, 2).tolist()
    if label == "red_circle":
        draw.ellipse((left, top, left + 28, top + 28), fill=(210, 20, 20))
    elif label == "green_square":
        draw.rectangle((left, top, left + 26, top + 26), fill=(20, 160, 30))
    else:
        draw.rectangle((left, top, left + 9, top + 30), fill=(20, 30, 200))
    return image


def write_shapes(
    folder: Path, count: int, labels: tuple[str, ...] = LABELS, first: int = 0, named: Mapping[str, str] | None = None
) -> Path:
    """Writes `count` pictures of each class into folders. Each seed gives another picture.

    Args:
        first: the first seed.
        named: names of folders that differ from their labels.
    """
    for label in labels:
        home = folder / (named or {}).get(label, label)
        home.mkdir(parents=True, exist_ok=True)
        for seed in range(first, first + count):
            shape(label, seed).save(home / f"{seed}.png")
    return folder


def write_parts(root: Path, train: int = 24, test: int = 8, labels: tuple[str, ...] = LABELS) -> Path:
    """Writes train/ and test/ parts without common pictures."""
    write_shapes(root / "train", train, labels)
    write_shapes(root / "test", test, labels, first=1000)
    return root
