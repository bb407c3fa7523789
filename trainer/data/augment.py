"""Augmentation: random views of training pictures, cropped, mirrored, in other light, blurred, partly hidden. Pure.

All randomness comes from the generator that is passed in, so a view depends on its seed and not on threads.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter
from verger.v1 import model_pb2

from engine.photo.decoding import resize

Floats = NDArray[np.float32]

_GREY = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601 luma


@dataclass(frozen=True)
class Augmentation:
    """How much views may differ from the photo. The defaults only mirror it. Chances are 0 to 1."""

    min_area: float = 1
    """Smallest share of the photo's area that a view shows, 0 to 1."""
    max_stretch: float = 1
    """Largest factor by which the aspect ratio changes."""
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
    uneven_chance: float = 0
    uneven: float = 0
    """Largest relative change of each colour channel at one side of the view, as under mixed light."""
    grey_chance: float = 0
    blur_chance: float = 0
    noise_chance: float = 0
    cutout_chance: float = 0
    paint_chance: float = 0
    """Chance of flat colours without texture, as in drawings, which leaves the shape to learn from."""


GENTLE = Augmentation(min_area=0.5, max_stretch=4 / 3, light=0.15, saturation=0.15, tint=0.03)
"""For training on a frozen backbone, whose features can't adapt to more."""

STRONG = Augmentation(
    min_area=0.2,
    max_stretch=1.25,
    far_chance=0.15,
    rotate_chance=0.2,
    max_degrees=25,
    light=0.3,
    saturation=0.5,
    tint=0.1,
    uneven_chance=0.3,
    uneven=0.3,
    grey_chance=0.05,
    blur_chance=0.15,
    noise_chance=0.1,
    cutout_chance=0.25,
    paint_chance=0.3,
)
"""For training all layers."""


def random_view(
    image: Image.Image, spec: model_pb2.Preprocessing, augmentation: Augmentation, random: np.random.Generator
) -> NDArray[np.uint8]:
    """Returns a random view of an RGB picture: uint8 pixels of shape [height, width, 3]."""
    if random.random() < augmentation.rotate_chance:
        image = _rotate(image, augmentation.max_degrees, random)
    if random.random() < augmentation.blur_chance:
        image = image.filter(ImageFilter.GaussianBlur(random.uniform(0.3, 2.0) * max(image.size) / spec.width))
    image = resize(image, spec, _random_box(image.size, augmentation, random))
    if random.random() < augmentation.far_chance:
        image = _zoom_out(image, random)
    if random.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)  # several times as fast as with NumPy
    pixels = np.asarray(image)
    if random.random() < augmentation.paint_chance:
        pixels = _paint(pixels, random)
    view = _change_light(pixels.astype(np.float32), augmentation, random)
    if random.random() < augmentation.uneven_chance:
        view *= _uneven_light(view.shape, augmentation.uneven, random)
    if random.random() < augmentation.noise_chance:
        view += random.normal(0, random.uniform(2, 12), view.shape).astype(np.float32)
    if random.random() < augmentation.cutout_chance:
        _cut_out(view, random)
    return view.clip(0, 255, out=view).astype(np.uint8)


def mix_up(inputs: Floats, targets: Floats, alpha: float, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Blends each picture of a batch and its target with another one (mixup, Zhang et al., 2018, arXiv:1710.09412).

    Args:
        inputs: float32 of shape [n, ...].
        targets: float32 of shape [n, classes].
        alpha: parameter of the weights' Beta distribution, above 0; larger values blend more.
    """
    weights = random.beta(alpha, alpha, len(inputs)).astype(np.float32)
    weights = np.maximum(weights, 1 - weights)  # each picture keeps the larger weight
    partner = random.permutation(len(inputs))
    wide = weights.reshape(-1, *[1] * (inputs.ndim - 1))
    mixed: Floats = inputs * wide + inputs[partner] * (1 - wide)
    blended: Floats = targets * weights[:, None] + targets[partner] * (1 - weights[:, None])
    return mixed, blended


def _rotate(image: Image.Image, max_degrees: float, random: np.random.Generator) -> Image.Image:
    degrees = random.uniform(-max_degrees, max_degrees)
    return image.rotate(degrees, Image.Resampling.BILINEAR, fillcolor=_background(random))


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


def _random_box(
    size: tuple[int, int], augmentation: Augmentation, random: np.random.Generator
) -> tuple[float, float, float, float]:
    """Returns a crop box of random area and aspect ratio (Szegedy et al., 2015, arXiv:1409.4842)."""
    area = random.uniform(augmentation.min_area, 1)
    stretch = augmentation.max_stretch ** random.uniform(-1, 1)
    width = size[0] * min(1.0, (area * stretch) ** 0.5)
    height = size[1] * min(1.0, (area / stretch) ** 0.5)
    left = random.uniform(0, size[0] - width)
    top = random.uniform(0, size[1] - height)
    return left, top, left + width, top + height


def _change_light(view: Floats, augmentation: Augmentation, random: np.random.Generator) -> Floats:
    """Changes saturation, tint, contrast and brightness in one linear map of the colours."""
    saturation = 1 + random.uniform(-1, 1) * augmentation.saturation
    if random.random() < augmentation.grey_chance:
        saturation = 0
    mixing = saturation * np.eye(3) + (1 - saturation) * np.outer(_GREY, np.ones(3))
    gains = 1 + random.uniform(-1, 1, 3) * augmentation.tint
    contrast = 1 + random.uniform(-1, 1) * augmentation.light
    brightness = 255 * random.uniform(-1, 1) * augmentation.light / 2
    means = [view[..., channel].mean() for channel in range(3)]  # 20 times as fast as mean(axis=(0, 1))
    mean = float(np.dot(means, _GREY))
    result: Floats = view @ (mixing * gains * contrast).astype(np.float32)
    result += np.float32(mean * (1 - contrast) + brightness)
    return result


def _uneven_light(shape: tuple[int, ...], most: float, random: np.random.Generator) -> Floats:
    """Returns colour gains that change along a random direction; float32 of `shape`."""
    height, width = shape[:2]
    angle = random.uniform(0, 2 * np.pi)
    x, y = np.linspace(-1, 1, width), np.linspace(-1, 1, height)
    ramp = (1 + (np.cos(angle) * x + np.sin(angle) * y[:, None]) / np.sqrt(2)) / 2
    near, far = 1 + random.uniform(-most, most, (2, 3))
    gains: Floats = (near + (far - near) * ramp[..., None]).astype(np.float32)
    return gains


def _paint(pixels: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Removes texture and keeps edges, as networks prefer texture over shape (Geirhos et al., arXiv:1811.12231)."""
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
    """Covers a rectangle with one colour, in place (cutout, DeVries and Taylor, 2017, arXiv:1708.04552)."""
    height, width = (int(side * random.uniform(0.2, 0.5)) for side in view.shape[:2])
    top = random.integers(0, view.shape[0] - height + 1)
    left = random.integers(0, view.shape[1] - width + 1)
    view[top : top + height, left : left + width] = random.uniform(0, 255, 3)
