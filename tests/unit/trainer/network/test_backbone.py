"""Sources of backbone weights."""

from pathlib import Path

import keras
import numpy as np
import pytest

from trainer.errors import WeightsInvalid
from trainer.network.backbone import BACKBONE, load_backbone

SIZE = 64


def same_weights(one: keras.Model, other: keras.Model) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True))


@pytest.mark.parametrize("name", ["classifier.keras", "backbone.keras", "backbone.weights.h5"])
def test_weights_are_read_from_every_file_that_holds_a_backbone(
    tmp_path: Path, classifier: keras.Model, name: str
) -> None:
    backbone = classifier.get_layer(BACKBONE)
    if name.endswith(".h5"):
        backbone.save_weights(tmp_path / name)
    else:
        (classifier if name.startswith("classifier") else backbone).save(tmp_path / name)
    loaded = load_backbone(96, tmp_path / name)
    assert loaded.input_shape == (None, 96, 96, 3)
    assert same_weights(loaded, backbone)


def test_other_files_are_refused_with_an_explanation(tmp_path: Path) -> None:
    with pytest.raises(WeightsInvalid, match="There is no weights file"):
        load_backbone(SIZE, tmp_path / "none.weights.h5")
    (tmp_path / "text.weights.h5").write_text("no weights")
    with pytest.raises(WeightsInvalid, match="does not hold the weights of a MobileNetV2"):
        load_backbone(SIZE, tmp_path / "text.weights.h5")
    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    other.save(tmp_path / "other.keras")
    with pytest.raises(WeightsInvalid, match="does not hold the weights of a MobileNetV2"):
        load_backbone(SIZE, tmp_path / "other.keras")
