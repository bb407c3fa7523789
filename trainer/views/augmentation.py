"""Augmentation: random views of training pictures, cropped, mirrored, in other light, blurred, partly hidden. Pure.

All randomness comes from the generator that is passed in, so a view depends on its seed and not on threads.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter
from verger.v1 import model_pb2

from engine.photo.decoding import resize
from trainer.views.crops import random_box
from trainer.views.light import change_light
from trainer.views.shelves import shelf


@dataclass(frozen=True)
class Augmentation:
    """How much views may differ from the photo. The defaults only mirror it. Chances are 0 to 1."""

    min_area: float = 1
    """Smallest share of the photo's area that a view shows, 0 to 1."""
    max_stretch: float = 1
    """Largest factor by which the aspect ratio changes."""
    whole_chance: float = 0
    """Chance of a view of the whole photo, as in serving."""
    shelf_chance: float = 0
    """Chance of many crops of photos of the same class side by side, as on a shelf."""
    far_chance: float = 0
    """Chance of a view from further away, of which the photo covers only a part."""
    rotate_chance: float = 0
    max_degrees: float = 0
    light: float = 0
    """Largest relative change of brightness and contrast."""
    saturation: float = 0
    """Largest relative change of saturation."""
    tint: float = 0
    """Largest relative change of each colour channel, as under warm or cold light."""
    grey_chance: float = 0
    coarse_chance: float = 0
    """Chance of a view of few pixels, as cut out of a large photo."""
    blur_chance: float = 0
    noise_chance: float = 0
    cutout_chance: float = 0
    paint_chance: float = 0
    """Chance of flat colours without texture, as in drawings, which leaves the shape to learn from."""

    def halved(self, min_area: float) -> "Augmentation":
        """Returns half the chances and half the changes of light, with another smallest area."""
        kept = ("min_area", "max_stretch", "max_degrees", "whole_chance")
        halves = {name: value / 2 for name, value in asdict(self).items() if name not in kept}
        return replace(self, min_area=min_area, **halves)


GENTLE = Augmentation(min_area=0.5, max_stretch=4 / 3, light=0.15, saturation=0.15, tint=0.03)
"""For training on a frozen backbone, whose features can't adapt to more."""

STRONG = Augmentation(
    min_area=0.25,
    max_stretch=4 / 3,
    whole_chance=0.25,
    shelf_chance=0.12,
    far_chance=0.12,
    rotate_chance=0.15,
    max_degrees=25,
    light=0.3,
    saturation=0.5,
    tint=0.12,
    grey_chance=0.03,
    coarse_chance=0.12,
    blur_chance=0.1,
    noise_chance=0.06,
    cutout_chance=0.2,
    paint_chance=0.06,
)
"""For training all layers."""


def random_view(
    image: Image.Image,
    spec: model_pb2.Preprocessing,
    augmentation: Augmentation,
    random: np.random.Generator,
    alike: Callable[[], Sequence[Image.Image]] = tuple,
) -> NDArray[np.uint8]:
    """Returns a random view of an RGB picture: uint8 pixels of shape [height, width, 3].

    Args:
        alike: returns other pictures of the same class, which a shelf may show beside this one.
    """
    image = _framed(image, spec, augmentation, random, alike)
    if random.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if random.random() < augmentation.rotate_chance:
        degrees = random.uniform(-augmentation.max_degrees, augmentation.max_degrees)
        image = image.rotate(degrees, Image.Resampling.BILINEAR, fillcolor=_background(random))
    if random.random() < augmentation.far_chance:
        image = _zoom_out(image, random)
    if random.random() < augmentation.coarse_chance:
        small = image.reduce(int(random.integers(2, 4)))
        image = small.resize(image.size, Image.Resampling.BILINEAR)
    if random.random() < augmentation.blur_chance:
        image = image.filter(ImageFilter.GaussianBlur(random.uniform(0.3, 2.0)))
    if random.random() < augmentation.paint_chance:
        image = _paint(image, random)
    saturation = (
        0 if random.random() < augmentation.grey_chance else 1 + random.uniform(-1, 1) * augmentation.saturation
    )
    image = change_light(image, augmentation.light, saturation, augmentation.tint, random)
    pixels = np.array(image)
    if random.random() < augmentation.noise_chance:
        noise = random.normal(0, random.uniform(2, 12), pixels.shape)
        pixels = (pixels + noise).clip(0, 255).astype(np.uint8)
    if random.random() < augmentation.cutout_chance:
        _cut_out(pixels, random)
    return pixels


def _framed(
    image: Image.Image,
    spec: model_pb2.Preprocessing,
    augmentation: Augmentation,
    random: np.random.Generator,
    alike: Callable[[], Sequence[Image.Image]],
) -> Image.Image:
    """Returns what the view shows, at its size: a shelf, the whole photo, or a part of it."""
    if random.random() < augmentation.shelf_chance:
        return shelf(image, alike, (spec.width, spec.height), random)
    if random.random() < augmentation.whole_chance:
        return resize(image, spec)
    return resize(image, spec, random_box(image.size, augmentation.min_area, augmentation.max_stretch, random))


def _zoom_out(image: Image.Image, random: np.random.Generator) -> Image.Image:
    share = random.uniform(0.4, 0.9)
    small = image.resize((int(image.width * share), int(image.height * share)), Image.Resampling.BILINEAR)
    view = Image.new("RGB", image.size, _background(random))
    left = int(random.integers(0, view.width - small.width + 1))
    top = int(random.integers(0, view.height - small.height + 1))
    view.paste(small, (left, top))
    return view


def _background(random: np.random.Generator) -> tuple[int, ...]:
    """Returns white, as in many product photos, or a random colour."""
    return (255, 255, 255) if random.random() < 0.5 else tuple(random.integers(0, 256, 3).tolist())


def _paint(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """Removes texture and keeps edges, as networks prefer texture over shape (Geirhos et al., arXiv:1811.12231)."""
    if random.random() < 0.5:
        small = image.resize((image.width // 2, image.height // 2), Image.Resampling.BOX)
        flat = small.filter(ImageFilter.MedianFilter(5)).resize(image.size, Image.Resampling.BICUBIC)
    else:
        colours = int(random.integers(4, 17))
        smooth = image.filter(ImageFilter.GaussianBlur(image.width / 224))
        flat = smooth.quantize(colours, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).convert("RGB")
    return ImageEnhance.Color(flat).enhance(random.uniform(1, 2))


def _cut_out(pixels: NDArray[np.uint8], random: np.random.Generator) -> None:
    """Covers a rectangle with one colour, in place (cutout, DeVries and Taylor, 2017, arXiv:1708.04552)."""
    height, width = (int(side * random.uniform(0.15, 0.45)) for side in pixels.shape[:2])
    top = random.integers(0, pixels.shape[0] - height + 1)
    left = random.integers(0, pixels.shape[1] - width + 1)
    pixels[top : top + height, left : left + width] = random.integers(0, 256, 3)
