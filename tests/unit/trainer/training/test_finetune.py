"""Training the whole network."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from tests.support.shapes import write_parts
from tests.unit.trainer.training.test_learning import Count
from trainer.data.dataset import Dataset, load_dataset
from trainer.network.backbone import BACKBONE
from trainer.training.finetune import fine_tune
from trainer.training.recipe import FineTuneStage

STAGE = FineTuneStage("all", epochs=1, size=32, learning_rate=1e-2, batch_size=8)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return load_dataset(write_parts(tmp_path_factory.mktemp("shapes"), 8, 2), [], [], 2, lambda done, total: None)


def changed_layers(before: keras.Model, after: keras.Model) -> list[keras.layers.Layer]:
    pairs = zip(before.get_layer(BACKBONE).layers, after.get_layer(BACKBONE).layers, strict=True)
    return [
        old
        for old, new in pairs
        if any(not np.array_equal(a, b) for a, b in zip(old.get_weights(), new.get_weights(), strict=True))
    ]


def test_all_layers_learn_but_batch_normalisation(classifier: keras.Model, dataset: Dataset) -> None:
    watch = Count()
    tuned = fine_tune(classifier, dataset, STAGE, (0, 1), 2, watch)
    assert watch.seen == len(dataset.train)
    assert tuned.input_shape == classifier.input_shape  # trained at another size, given back at its own
    changed = changed_layers(classifier, tuned)
    weighted = [layer for layer in classifier.get_layer(BACKBONE).layers if layer.get_weights()]
    assert changed == [layer for layer in weighted if not isinstance(layer, keras.layers.BatchNormalization)]


def test_lower_layers_may_stay_frozen(classifier: keras.Model, dataset: Dataset) -> None:
    tuned = fine_tune(classifier, dataset, replace(STAGE, first_layer="block_16_expand"), (0, 1), 2, Count())
    names = [layer.name for layer in changed_layers(classifier, tuned)]
    assert names == ["block_16_expand", "block_16_depthwise", "block_16_project", "Conv_1"]
