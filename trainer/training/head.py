"""Trains the dense layers on the features of a frozen backbone. Features are streamed and not kept between epochs.

The features of training views may come from an int8 backbone (trainer.graphs.int8_features). Validation features and
remembered negatives always come from the float backbone.
"""

from collections.abc import Iterable, Iterator

import keras
import numpy as np
from numpy.typing import NDArray

from engine.model.session import OnnxSession
from trainer.data.dataset import NO_CLASS, class_indices
from trainer.data.pictures import batches
from trainer.data.views import shuffled_views
from trainer.graphs.features import outputs, outputs_of_views
from trainer.graphs.int8_features import runtime_for_views
from trainer.network.assembly import build_head, feature_graph
from trainer.training.context import RunContext
from trainer.training.learning import MAX_CURVE_PICTURES, Batch, Stage, TrainingLoop, compile_classifier, one_hot
from trainer.training.remembered_negatives import NO_NEGATIVES, NegativeFeatures

Example = tuple[NDArray[np.float32], int]
"""Features of shape [1280] and a class index."""


def train_head(
    context: RunContext,
    loop: TrainingLoop,
    backbone: keras.Model,
    remembered: NegativeFeatures = NO_NEGATIVES.training,
) -> keras.Model:
    """Builds and trains a head for the data set's classes; the backbone does not change.

    Args:
        remembered: negatives that every epoch shows, with features computed by this backbone.
    """
    dataset, stage, spec = context.dataset, context.recipe.head, context.preprocessing
    head = build_head(len(dataset.labels), stage.units, stage.dropout)
    examples = len(dataset.training_examples) + len(remembered)
    rate = keras.optimizers.schedules.CosineDecay(stage.learning_rate, stage.epochs * -(-examples // stage.batch_size))
    compile_classifier(head, keras.optimizers.Adam(rate), stage.label_smoothing)
    with feature_graph(backbone) as graph:
        float_runtime = OnnxSession(graph)
        views = stage.epochs * len(dataset.training_examples)
        training_runtime = runtime_for_views(graph, float_runtime, dataset.training_examples, spec, views)
    validation = list(_validation_batches(context, float_runtime))

    def training(epoch: int) -> Iterator[Batch]:
        seed = (context.seed, 0, epoch)
        pictures = _view_examples(context, training_runtime, seed)
        mixed = _mixed(pictures, len(dataset.training_examples), remembered, seed)
        return _batches(mixed, stage.batch_size, len(dataset.labels))

    loop.train(head, Stage("head", stage.epochs, examples, training, lambda: validation))
    return head


def _view_examples(context: RunContext, runtime: OnnxSession, seed: tuple[int, ...]) -> Iterator[Example]:
    pictures = context.dataset.training_examples
    views = shuffled_views(pictures, class_indices(pictures, context.dataset.labels), seed)
    augmentation = context.recipe.head.augmentation
    features = outputs_of_views(runtime, views, context.preprocessing, augmentation, context.workers)
    return zip(features, (view.target for view in views), strict=True)


def _mixed(
    pictures: Iterator[Example], count: int, remembered: NegativeFeatures, seed: tuple[int, ...]
) -> Iterator[Example]:
    """Shuffles remembered negatives among `count` examples of pictures, so that each batch has a share of both."""
    random = np.random.default_rng((*seed, 1))
    negatives = ((remembered.features[i], NO_CLASS) for i in random.permutation(len(remembered)))
    for is_remembered in random.permutation(np.repeat([False, True], [count, len(remembered)])):
        yield next(negatives if is_remembered else pictures)


def _validation_batches(context: RunContext, runtime: OnnxSession) -> Iterator[Batch]:
    pictures, labels = context.dataset.validation[:MAX_CURVE_PICTURES], context.dataset.labels
    features = outputs(runtime, pictures, context.preprocessing, context.workers)
    return _batches(zip(features, class_indices(pictures, labels), strict=True), 256, len(labels))


def _batches(examples: Iterable[Example], size: int, classes: int) -> Iterator[Batch]:
    for batch in batches(examples, size):
        targets = np.array([target for _, target in batch])
        yield np.stack([features for features, _ in batch]), one_hot(targets, classes)
