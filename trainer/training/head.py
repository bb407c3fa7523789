"""Trains the dense layers on the features of a frozen backbone. Features are streamed and not kept between epochs.

The features of training views may come from an int8 backbone (trainer.graphs.int8_features). Validation features and
remembered negatives always come from the float backbone.
"""

from collections.abc import Iterable, Iterator

import keras
import numpy as np
from numpy.typing import NDArray

from engine.model.session import OnnxSession
from trainer.data.dataset import class_indices
from trainer.data.pictures import batches, open_picture
from trainer.graphs.features import outputs, outputs_of_views
from trainer.graphs.int8_features import runtime_for_views
from trainer.network.assembly import build_head, feature_graph, with_all_logits
from trainer.training.context import RunContext
from trainer.training.examples import Examples
from trainer.training.learning import (
    MAX_CURVE_PICTURES,
    Batch,
    Stage,
    TrainingLoop,
    compile_classifier,
    one_hot,
    validate_on,
)

Example = tuple[NDArray[np.float32], int]
"""Features of shape [1280] and a class number."""


def train_head(context: RunContext, loop: TrainingLoop, backbone: keras.Model, examples: Examples) -> keras.Model:
    """Builds and trains a head for the classes of the examples; the backbone does not change."""
    stage, spec = context.recipe.head, context.preprocessing
    head = build_head(len(examples.labels), len(examples.auxiliary), stage.units, stage.dropout)
    album = examples.album(lambda number: open_picture(examples.pictures[number].path, spec))
    count = len(album) + len(examples.remembered)
    rate = keras.optimizers.schedules.CosineDecay(stage.learning_rate, stage.epochs * -(-count // stage.batch_size))
    with feature_graph(backbone) as graph:
        float_runtime = OnnxSession(graph)
        runtime = runtime_for_views(graph, float_runtime, examples.pictures, spec, stage.epochs * len(album))
    validation = list(_validation_batches(context, float_runtime))

    def training(epoch: int) -> Iterator[Batch]:
        seed = (context.seed, 0, epoch)
        views = album.views(seed)
        features = outputs_of_views(
            runtime, views, lambda view: album.pixels(view, spec, stage.augmentation), spec, context.workers
        )
        pictures = zip(features, (view.target for view in views), strict=True)
        for batch in batches(_mixed(pictures, len(views), examples, seed), stage.batch_size):
            targets = np.array([target for _, target in batch])
            yield np.stack([found for found, _ in batch]), examples.rows(targets, stage.label_smoothing)

    learner = with_all_logits(head)
    compile_classifier(learner, keras.optimizers.Adam(rate))
    compile_classifier(head)
    loop.train(learner, Stage("head", stage.epochs, training, count, lambda: validate_on(head, validation)))
    return head


def _mixed(pictures: Iterator[Example], count: int, examples: Examples, seed: tuple[int, ...]) -> Iterator[Example]:
    """Shuffles remembered negatives among `count` examples of pictures, so that each batch has a share of both."""
    random, remembered = np.random.default_rng((*seed, 1)), examples.remembered
    order = random.permutation(len(remembered))
    negatives = ((remembered.features[i], int(examples.remembered_targets[i])) for i in order)
    for is_remembered in random.permutation(np.repeat([False, True], [count, len(remembered)])):
        yield next(negatives if is_remembered else pictures)


def _validation_batches(context: RunContext, runtime: OnnxSession) -> Iterable[Batch]:
    pictures, labels = context.dataset.validation[:MAX_CURVE_PICTURES], context.dataset.labels
    features = outputs(runtime, pictures, context.preprocessing, context.workers)
    for batch in batches(zip(features, class_indices(pictures, labels), strict=True), 256):
        yield np.stack([found for found, _ in batch]), one_hot(np.array([target for _, target in batch]), len(labels))
