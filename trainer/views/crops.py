"""Random crop boxes. Pure."""

import numpy as np

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in pixels."""


def random_box(size: tuple[int, int], min_area: float, max_stretch: float, random: np.random.Generator) -> Box:
    """Returns a crop box of random area and aspect ratio (Szegedy et al., 2015, arXiv:1409.4842).

    Args:
        size: width and height of the picture in pixels.
        min_area: smallest share of the picture's area, 0 to 1.
        max_stretch: largest factor by which the aspect ratio changes, at least 1.
    """
    area = random.uniform(min_area, 1)
    stretch = max_stretch ** random.uniform(-1, 1)
    width = size[0] * min(1.0, (area * stretch) ** 0.5)
    height = size[1] * min(1.0, (area / stretch) ** 0.5)
    left = random.uniform(0, size[0] - width)
    top = random.uniform(0, size[1] - height)
    return left, top, left + width, top + height
