"""Pictures in other light. Pure."""

import numpy as np
from PIL import Image

_GREY = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601 luma


def change_light(
    image: Image.Image, light: float, saturation: float, tint: float, random: np.random.Generator
) -> Image.Image:
    """Changes saturation, tint, contrast and brightness of an RGB picture in one linear map of its colours.

    Args:
        light: largest relative change of contrast; brightness changes by half as much.
        saturation: new saturation relative to that of the picture; 0 makes it grey.
        tint: largest relative change of each channel.
    """
    mixing = saturation * np.eye(3) + (1 - saturation) * np.outer(np.ones(3), _GREY)
    gains = 1 + random.uniform(-1, 1, 3) * tint
    contrast = 1 + random.uniform(-1, 1) * light
    brightness = 255 * random.uniform(-1, 1) * light / 2
    mean = float(np.asarray(image.reduce(8)).mean((0, 1)) @ _GREY)
    offsets = np.full((3, 1), mean * (1 - contrast) + brightness)
    matrix = np.hstack([mixing * gains[:, None] * contrast, offsets])
    return image.convert("RGB", tuple(matrix.ravel().tolist()))
