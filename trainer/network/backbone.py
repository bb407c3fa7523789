"""The backbone, MobileNetV2 without its top (Sandler et al., 2018, arXiv:1801.04381), and sources of its weights."""

import hashlib
from pathlib import Path
from typing import Any

import keras
import numpy as np

from trainer.errors import DownloadFailed, WeightsInvalid
from trainer.network.files import load_network

BACKBONE = "backbone"
"""Name of the backbone in the model."""
FEATURES = 1280
"""Channels of its output."""


def build_backbone(size: int, weights: str | None = None) -> keras.Model:
    """Builds a backbone. Input: float32 [n, size, size, 3] from -1 to 1; output: [n, size/32, size/32, 1280].

    Args:
        size: width and height in pixels, a multiple of 32.
        weights: None for random weights, or "imagenet" for those that Keras publishes (downloaded once).
    """
    return keras.applications.MobileNetV2(
        input_shape=(size, size, 3), include_top=False, weights=weights, name=BACKBONE
    )


def download_backbone(size: int) -> keras.Model:
    """Builds a backbone with ImageNet weights.

    Raises:
        DownloadFailed: the weights are not on this machine and can't be downloaded.
    """
    try:
        return build_backbone(size, "imagenet")
    except Exception as error:  # Keras documents no exception for a failed download
        raise DownloadFailed(
            "The ImageNet weights can't be downloaded. Without internet use --weights release, or name a file "
            f"that holds them. ({error})"
        ) from error


def load_backbone(size: int, path: Path) -> keras.Model:
    """Builds a backbone with the weights of an .h5 file without top, or of the backbone in a .keras model.

    Raises:
        WeightsInvalid: the file does not exist or holds something else.
    """
    if not path.is_file():
        raise WeightsInvalid(f"There is no weights file {path}.")
    backbone = build_backbone(size)
    try:
        if path.suffix == ".keras":
            backbone.set_weights(_inner_backbone(load_network(path)).get_weights())
        else:
            backbone.load_weights(path)
    except Exception as error:  # HDF5, zip and Keras raise exceptions of their own
        raise WeightsInvalid(
            f"{path} does not hold the weights of a MobileNetV2 (width 1.0, without top): {error}"
        ) from error
    return backbone


def weights_digest(backbone: keras.Model) -> str:
    """Returns the lower-case hexadecimal SHA-256 of all weights. Equal digests mean equal features."""
    digest = hashlib.sha256()
    for weights in backbone.get_weights():
        digest.update(np.ascontiguousarray(weights).tobytes())
    return digest.hexdigest()


def _inner_backbone(model: Any) -> Any:
    names = {layer.name for layer in model.layers}
    return model.get_layer(BACKBONE) if BACKBONE in names else model
