"""Mixes the pictures of a batch with each other, together with their targets. Pure."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Batch = tuple[Floats, Floats]
"""Pictures of shape [n, height, width, 3] and targets of shape [n, classes]."""

MIX_UP_ALPHA = 0.3
"""Parameter of the Beta distribution of the weights; larger values blend more."""


def sometimes_mixed(inputs: Floats, targets: Floats, chance: float, random: np.random.Generator) -> Batch:
    """Returns the batch, or with a chance of 0 to 1 a mixed one; half of those are blended, half are patched."""
    if random.random() >= chance:
        return inputs, targets
    return (mix_up if random.random() < 0.5 else cut_mix)(inputs, targets, random)


def mix_up(inputs: Floats, targets: Floats, random: np.random.Generator) -> Batch:
    """Blends each picture and its target with another one (mixup, Zhang et al., 2018, arXiv:1710.09412)."""
    weights = random.beta(MIX_UP_ALPHA, MIX_UP_ALPHA, len(inputs)).astype(np.float32)
    weights = np.maximum(weights, 1 - weights)  # each picture keeps the larger weight
    partner = random.permutation(len(inputs))
    wide = weights.reshape(-1, 1, 1, 1)
    mixed: Floats = inputs * wide + inputs[partner] * (1 - wide)
    blended: Floats = targets * weights[:, None] + targets[partner] * (1 - weights[:, None])
    return mixed, blended


def cut_mix(inputs: Floats, targets: Floats, random: np.random.Generator) -> Batch:
    """Covers a square of each picture with that of another one (CutMix, Yun et al., 2019, arXiv:1905.04899).

    The square covers at most half of the picture. A target counts by the area of its picture.
    """
    height, width = inputs.shape[1:3]
    side = int(min(height, width) * random.uniform(0, 0.5) ** 0.5)
    top, left = int(random.integers(0, height - side + 1)), int(random.integers(0, width - side + 1))
    partner = random.permutation(len(inputs))
    patched = inputs.copy()
    patched[:, top : top + side, left : left + side] = inputs[partner, top : top + side, left : left + side]
    kept = np.float32(1 - side**2 / (height * width))
    return patched, targets * kept + targets[partner] * (1 - kept)
