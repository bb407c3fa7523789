"""Many of a kind side by side, as on a supermarket's shelf or in crates. Pure."""

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance

from trainer.views.crops import random_box

SAME_CHANCE = 0.6
"""Chance that all cells show the same crop, as rows of one product do."""
LABELS_CHANCE = 0.5
"""Chance of a strip with price labels."""


def shelf(
    image: Image.Image,
    alike: Callable[[], Sequence[Image.Image]],
    size: tuple[int, int],
    random: np.random.Generator,
) -> Image.Image:
    """Returns rows of crops of RGB pictures that touch each other.

    Args:
        image: the first picture.
        alike: returns other pictures of its class. It is called only if the cells differ.
        size: width and height of the result in pixels.
    """
    rows, columns = int(random.integers(1, 5)), int(random.integers(2, 5))
    cell = (-(-size[0] // columns), -(-size[1] // rows))
    same = random.random() < SAME_CHANCE
    crops = [_crop(image, cell, random)] if same else [_crop(one, cell, random) for one in [image, *alike()]]
    view = Image.new("RGB", size)
    for number in range(rows * columns):
        crop = crops[int(random.integers(len(crops)))]
        if random.random() < 0.5:
            crop = crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        crop = ImageEnhance.Brightness(crop).enhance(random.uniform(0.8, 1.15))
        view.paste(crop, (number % columns * cell[0], number // columns * cell[1]))
    if random.random() < LABELS_CHANCE:
        _add_labels(view, random)
    return view


def _crop(image: Image.Image, size: tuple[int, int], random: np.random.Generator) -> Image.Image:
    return image.resize(size, Image.Resampling.BILINEAR, random_box(image.size, 0.35, 1, random))


def _add_labels(view: Image.Image, random: np.random.Generator) -> None:
    """Draws a strip with lighter labels, each with two dark lines in place of a price, in place."""
    draw, height = ImageDraw.Draw(view), 3 + int(view.height * random.uniform(0.05, 0.15))
    top, width = int(random.integers(0, view.height - height)), int(view.width * random.uniform(0.1, 0.3))
    draw.rectangle((0, top, view.width, top + height), tuple(random.integers(0, 256, 3).tolist()))
    paper, ink = tuple(random.integers(200, 256, 3).tolist()), tuple(random.integers(0, 90, 3).tolist())
    for left in range(int(random.integers(0, width)), view.width, 2 * width):
        draw.rectangle((left, top + 1, left + width, top + height - 1), paper)
        for share in (0.35, 0.65):
            line = top + int(height * share)
            draw.line((left + 2, line, left + int(width * random.uniform(0.4, 0.9)), line), ink)
