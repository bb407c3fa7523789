"""Training the whole network."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from tests.support.trainer.shapes import write_parts
from tests.support.trainer.training import RecordedProgress, load, small_context
from trainer.data.dataset import Dataset
from trainer.network.backbone import BACKBONE
from trainer.training.finetune import fine_tune
from trainer.training.learning import TrainingLoop
from trainer.training.recipe import FineTuneStage, Recipe

STAGE = FineTuneStage("all", epochs=1, size=32, learning_rate=1e-2, batch_size=8)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return load(write_parts(tmp_path_factory.mktemp("shapes"), 8, 2))


def changed_layers(before: keras.Model, after: keras.Model) -> list[keras.layers.Layer]:
    pairs = zip(before.get_layer(BACKBONE).layers, after.get_layer(BACKBONE).layers, strict=True)
    return [
        old
        for old, new in pairs
        if any(not np.array_equal(a, b) for a, b in zip(old.get_weights(), new.get_weights(), strict=True))
    ]


def test_all_layers_but_batch_normalisation_are_trained(classifier: keras.Model, dataset: Dataset) -> None:
    progress = RecordedProgress()
    tuned = fine_tune(small_context(dataset, Recipe(fine_tune=(STAGE,))), TrainingLoop(progress), classifier, 1)
    assert progress.examples == len(dataset.train)
    assert tuned.input_shape == classifier.input_shape  # it is trained at another size and returned at its own
    changed = changed_layers(classifier, tuned)
    weighted = [layer for layer in classifier.get_layer(BACKBONE).layers if layer.get_weights()]
    assert changed == [layer for layer in weighted if not isinstance(layer, keras.layers.BatchNormalization)]


def test_lower_layers_may_stay_frozen(classifier: keras.Model, dataset: Dataset) -> None:
    recipe = Recipe(fine_tune=(replace(STAGE, first_layer="block_16_expand"),))
    tuned = fine_tune(small_context(dataset, recipe), TrainingLoop(RecordedProgress()), classifier, 1)
    names = [layer.name for layer in changed_layers(classifier, tuned)]
    assert names == ["block_16_expand", "block_16_depthwise", "block_16_project", "Conv_1"]
