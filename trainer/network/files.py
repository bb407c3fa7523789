"""Reads stored networks."""

from pathlib import Path

import keras

from trainer.network.rest import RelativeToRest

OWN_LAYERS = {RelativeToRest.__name__: RelativeToRest}
"""Layers in stored networks that Keras does not know, by name."""


def load_network(path: Path) -> keras.Model:
    """Loads a .keras file, without optimizer. Keras documents no exceptions for files that hold something else."""
    return keras.saving.load_model(path, compile=False, custom_objects=OWN_LAYERS)
