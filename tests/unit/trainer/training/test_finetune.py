"""Training the whole network."""

import keras
import numpy as np
import pytest

from tests.support.trainer.shapes import write_parts, write_shapes
from tests.support.trainer.training import RecordedProgress, ignore_progress, load, small_context
from trainer.data.dataset import Dataset
from trainer.network.assembly import HEAD, assemble, build_head
from trainer.network.backbone import BACKBONE
from trainer.training.context import RunContext
from trainer.training.examples import Examples, collect_examples
from trainer.training.finetune import fine_tune
from trainer.training.learning import TrainingLoop
from trainer.training.recipe import FineTuning, Phase, Recipe
from trainer.views.augmentation import STRONG
from trainer.views.store import PictureStore

# An epoch has two steps of equal size, because TensorFlow compiles each size anew.
PHASES = (Phase(1, 32, STRONG), Phase(1, 64, STRONG.halved(min_area=0.4)))
RECIPE = Recipe(fine_tune=FineTuning(PHASES, learning_rate=1e-2, batch_size=12))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Two classes of shapes; the third is a negative."""
    folder = tmp_path_factory.mktemp("shapes")
    data = write_parts(folder / "data", 8, 2, ("blue_bar", "green_square"))
    return load(data, negatives=[write_shapes(folder / "none", 12, ("red_circle",))])


@pytest.fixture(scope="module")
def context(dataset: Dataset) -> RunContext:
    return small_context(dataset, RECIPE)


@pytest.fixture(scope="module")
def examples(context: RunContext, classifier: keras.Model) -> Examples:
    return collect_examples(context, classifier.get_layer(BACKBONE))


@pytest.fixture(scope="module")
def store(context: RunContext, examples: Examples, tmp_path_factory: pytest.TempPathFactory) -> PictureStore:
    folder = tmp_path_factory.mktemp("store")
    return PictureStore(examples.pictures, context.preprocessing, folder, 2, ignore_progress)


@pytest.fixture(scope="module")
def before(classifier: keras.Model) -> keras.Model:
    keras.utils.set_random_seed(1)
    return assemble(classifier.get_layer(BACKBONE), build_head(2, auxiliary=2, dropout=0.1))


def weights_by_layer(model: keras.Model) -> dict[str, list[np.ndarray]]:
    layers = [*model.get_layer(BACKBONE).layers, *model.get_layer(HEAD).layers]
    return {layer.name: layer.get_weights() for layer in layers if layer.get_weights()}


def test_all_layers_learn_and_the_model_that_it_starts_from_stays(
    before: keras.Model, context: RunContext, examples: Examples, store: PictureStore
) -> None:
    progress, old = RecordedProgress(), weights_by_layer(before)
    tuned = fine_tune(context, TrainingLoop(progress), before, examples, store)
    views = len(examples.album(store.open))
    assert progress.stages == [("all layers", 2, views * (32**2 + 64**2))]
    assert progress.effort == views * (32**2 + 64**2)
    assert [set(epoch) for epoch in progress.metrics] == [{"loss", "accuracy", "val_loss", "val_accuracy"}] * 2
    assert (tuned.input_shape, tuned.output_shape) == (before.input_shape, (None, 2))
    assert all(
        np.array_equal(one, other)
        for name, weights in weights_by_layer(before).items()
        for one, other in zip(weights, old[name], strict=True)
    )
    new = weights_by_layer(tuned)
    for name, weights in old.items():
        kept = [np.array_equal(one, other) for one, other in zip(weights, new[name], strict=True)]
        is_normalisation = name.endswith(("BN", "bn")) or name == "bn_Conv1"
        assert kept == ([True, False, True, True] if is_normalisation else [False] * len(kept)), name


def test_phases_follow_each_other() -> None:
    recipe = FineTuning((Phase(2, 160, STRONG), Phase(1, 224, STRONG)))
    assert recipe.epochs == 3
    assert [recipe.phase(epoch).size for epoch in range(3)] == [160, 160, 224]
