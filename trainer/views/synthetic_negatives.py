"""Synthetic negatives: blank pages, gradients, stripes and noise, which data sets lack but cameras produce. Pure."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def synthetic_negative(height: int, width: int, random: np.random.Generator) -> NDArray[np.uint8]:
    """Returns a random one: uint8 pixels of shape [height, width, 3]."""
    make = (_blank, _gradient, _stripes, _noise)[random.integers(4)]
    grain = random.normal(0, random.uniform(0, 6), (height, width, 3))
    pixels: NDArray[np.uint8] = (make(height, width, random) + grain).clip(0, 255).astype(np.uint8)
    return pixels


def _colour(random: np.random.Generator) -> NDArray[np.float64]:
    """Returns a random colour, which is grey in half of the cases."""
    return np.full(3, random.uniform(0, 255)) if random.random() < 0.5 else random.uniform(0, 255, 3)


def _blank(height: int, width: int, random: np.random.Generator) -> NDArray[np.float64]:
    return np.broadcast_to(_colour(random), (height, width, 3))


def _gradient(height: int, width: int, random: np.random.Generator) -> NDArray[np.float64]:
    x, y = np.linspace(0, 1, width), np.linspace(0, 1, height)[:, None]
    slope = random.uniform(0, 1)
    return _blend((slope * x + (1 - slope) * y)[..., None], random)


def _stripes(height: int, width: int, random: np.random.Generator) -> NDArray[np.float64]:
    angle, waves = random.uniform(0, np.pi), random.uniform(1, 40)
    x, y = np.linspace(0, 1, width), np.linspace(0, 1, height)[:, None]
    wave = np.sin(2 * np.pi * waves * (np.cos(angle) * x + np.sin(angle) * y))
    return _blend(((np.sign(wave) if random.random() < 0.5 else wave) / 2 + 0.5)[..., None], random)


def _blend(ramp: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """Blends from one random colour where the ramp is 0 to another where it is 1."""
    pixels: NDArray[np.float64] = (1 - ramp) * _colour(random) + ramp * _colour(random)
    return pixels


def _noise(height: int, width: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Returns noise with cells from a pixel to half the picture."""
    cells = int(random.choice([2, 4, 8, 16, 32, height]))
    values = random.integers(0, 256, (cells, cells, 3), np.uint8)
    if random.random() < 0.3:
        values[...] = values[..., :1]
    clouds = Image.fromarray(values).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(clouds).astype(np.float64)
