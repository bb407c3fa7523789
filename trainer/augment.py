"""Random views of training pictures: the same fruit nearer, mirrored, in other light, blurred, half hidden. Pure.

All randomness comes from the generator that is passed in, so a view depends on its seed only, not on threads.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter
from verger.v1 import model_pb2

from services.preprocess.image import resize

Floats = NDArray[np.float32]

_GREY = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601 luma


@dataclass(frozen=True)
class Augmentation:
    """How far views may be from the photo. Chances are 0 to 1."""

    min_area: float = 0.3
    """Smallest part of the photo that a view shows."""
    max_stretch: float = 4 / 3
    """Largest change of the ratio of width to height."""
    rotate_chance: float = 0.2
    max_degrees: float = 25
    light: float = 0.3
    """Largest relative change of brightness and contrast."""
    saturation: float = 0.5
    """Largest relative change of saturation."""
    tint: float = 0.08
    """Largest relative change of each colour channel: warm lamps, cold neon."""
    grey_chance: float = 0.02
    blur_chance: float = 0.15
    noise_chance: float = 0.1
    cutout_chance: float = 0.25
    paint_chance: float = 0.3
    """Flat colours without texture, as in drawings: what is left to learn from is the shape."""


STRONG = Augmentation()
"""For a network all of which learns."""

GENTLE = Augmentation(
    min_area=0.5, rotate_chance=0.1, light=0.15, saturation=0.15, tint=0.03, grey_chance=0, blur_chance=0,
    noise_chance=0, cutout_chance=0, paint_chance=0,
)  # fmt: skip
"""For a frozen backbone, whose features can't learn to live with more."""


def random_view(
    image: Image.Image, spec: model_pb2.Preprocessing, augmentation: Augmentation, random: np.random.Generator
) -> NDArray[np.uint8]:
    """Makes one view of an RGB picture: pixels of shape [height, width, 3], 0 to 255."""
    if random.random() < augmentation.rotate_chance:
        image = _rotate(image, augmentation.max_degrees, random)
    if random.random() < augmentation.blur_chance:
        image = image.filter(ImageFilter.GaussianBlur(random.uniform(0.3, 2.0) * max(image.size) / spec.width))
    pixels = resize(image, spec, _random_box(image.size, augmentation, random))
    if random.random() < 0.5:
        pixels = pixels[:, ::-1]
    if random.random() < augmentation.paint_chance:
        pixels = _paint(pixels, random)
    view = _other_light(pixels.astype(np.float32), augmentation, random)
    if random.random() < augmentation.noise_chance:
        view += random.normal(0, random.uniform(2, 12), view.shape).astype(np.float32)
    if random.random() < augmentation.cutout_chance:
        _cut_out(view, random)
    return view.clip(0, 255).astype(np.uint8)


def mix_up(inputs: Floats, targets: Floats, alpha: float, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Blends each picture of a batch, and its target, with another of the batch (Zhang et al., 2018, arXiv:1710.09412).

    Args:
        inputs: float32 of shape [n, ...]. targets: float32 of shape [n, classes].
        alpha: of the Beta distribution of the weights; greater than 0, more blends more.
    """
    weights = random.beta(alpha, alpha, len(inputs)).astype(np.float32)
    weights = np.maximum(weights, 1 - weights)  # the first of the two stays the stronger
    partner = random.permutation(len(inputs))
    wide = weights.reshape(-1, *[1] * (inputs.ndim - 1))
    mixed: Floats = inputs * wide + inputs[partner] * (1 - wide)
    blended: Floats = targets * weights[:, None] + targets[partner] * (1 - weights[:, None])
    return mixed, blended


def _rotate(image: Image.Image, max_degrees: float, random: np.random.Generator) -> Image.Image:
    edge = tuple(int(level) for level in random.integers(0, 256, 3)) if random.random() < 0.5 else (255, 255, 255)
    return image.rotate(random.uniform(-max_degrees, max_degrees), Image.Resampling.BILINEAR, fillcolor=edge)


def _random_box(
    size: tuple[int, int], augmentation: Augmentation, random: np.random.Generator
) -> tuple[float, float, float, float]:
    """A part of the picture, of random area and shape (Szegedy et al., 2015, arXiv:1409.4842)."""
    area = random.uniform(augmentation.min_area, 1)
    stretch = augmentation.max_stretch ** random.uniform(-1, 1)
    width = size[0] * min(1.0, (area * stretch) ** 0.5)
    height = size[1] * min(1.0, (area / stretch) ** 0.5)
    left = random.uniform(0, size[0] - width)
    top = random.uniform(0, size[1] - height)
    return left, top, left + width, top + height


def _other_light(view: Floats, augmentation: Augmentation, random: np.random.Generator) -> Floats:
    """Saturation, tint, contrast and brightness as one linear map of the colours."""
    saturation = 1 + random.uniform(-1, 1) * augmentation.saturation
    if random.random() < augmentation.grey_chance:
        saturation = 0
    mixing = saturation * np.eye(3) + (1 - saturation) * np.outer(_GREY, np.ones(3))
    gains = 1 + random.uniform(-1, 1, 3) * augmentation.tint
    contrast = 1 + random.uniform(-1, 1) * augmentation.light
    brightness = 255 * random.uniform(-1, 1) * augmentation.light / 2
    mean = float((view.reshape(-1, 3).mean(axis=0) * _GREY).sum())
    result: Floats = view @ (mixing * gains * contrast).astype(np.float32)
    result += np.float32(mean * (1 - contrast) + brightness)
    return result


def _paint(pixels: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Takes the texture out and keeps the edges: networks look at texture first (Geirhos et al., arXiv:1811.12231)."""
    image = Image.fromarray(pixels)
    if random.random() < 0.5:
        small = image.resize((image.width // 2, image.height // 2), Image.Resampling.BOX)
        flat = small.filter(ImageFilter.MedianFilter(5)).resize(image.size, Image.Resampling.BICUBIC)
    else:
        colours = int(random.integers(4, 17))
        smooth = image.filter(ImageFilter.GaussianBlur(image.width / 224))
        flat = smooth.quantize(colours, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).convert("RGB")
    return np.asarray(ImageEnhance.Color(flat).enhance(random.uniform(1, 2)))


def _cut_out(view: Floats, random: np.random.Generator) -> None:
    """Hides a rectangle behind one colour (DeVries and Taylor, 2017, arXiv:1708.04552). In place."""
    height, width = (int(side * random.uniform(0.2, 0.5)) for side in view.shape[:2])
    top = random.integers(0, view.shape[0] - height + 1)
    left = random.integers(0, view.shape[1] - width + 1)
    view[top : top + height, left : left + width] = random.uniform(0, 255, 3)
