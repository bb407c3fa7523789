"""Trains the dense layers on the features of a frozen backbone. The features stream; those of an epoch are not kept.

Training views may be rounded (trainer.network.int8_features); everything that is measured or kept is exact.
"""

from collections.abc import Iterator

import keras
import numpy as np
from numpy.typing import NDArray
from verger.v1 import model_pb2

from engine.model.session import OnnxSession
from trainer.data.dataset import NO_CLASS, Dataset, class_indices
from trainer.data.pictures import batches
from trainer.data.views import shuffled_views
from trainer.evaluation.features import outputs, outputs_of_views
from trainer.network.assembly import build_head, feature_graph
from trainer.network.int8_features import quick_runtime
from trainer.tracking.progress import Watch
from trainer.training.checkpoint import Checkpoint
from trainer.training.learning import CURVE_SAMPLE, Batch, Stage, compile_classifier, one_hot, train_stage
from trainer.training.recipe import HeadStage
from trainer.training.remembered import NOTHING, Rows

Lesson = tuple[NDArray[np.float32], int]
"""Features of shape [1280] and a target."""


def train_head(
    backbone: keras.Model,
    dataset: Dataset,
    stage: HeadStage,
    spec: model_pb2.Preprocessing,
    seed: int,
    workers: int,
    watch: Watch,
    remembered: Rows = NOTHING.lessons,
    checkpoint: Checkpoint | None = None,
) -> keras.Model:
    """Makes and trains a head for the data set's classes; the backbone stays as it is.

    Args:
        remembered: negatives as this very backbone sees them; each is shown in every epoch.
        checkpoint: where to go on from and what to keep up to date.
    """
    head = build_head(len(dataset.labels), stage.units, stage.dropout)
    lessons = len(dataset.lessons) + len(remembered)
    rate = keras.optimizers.schedules.CosineDecay(stage.learning_rate, stage.epochs * -(-lessons // stage.batch_size))
    compile_classifier(head, keras.optimizers.Adam(rate), stage.label_smoothing)
    with feature_graph(backbone) as graph:
        exact = OnnxSession(graph)
        quick = quick_runtime(graph, exact, dataset.lessons, spec, views=stage.epochs * len(dataset.lessons))
    validation = list(_validation_batches(exact, dataset, spec, workers))

    def training(epoch: int) -> Iterator[Batch]:
        seen = _lessons(quick, dataset, stage, spec, (seed, 0, epoch), workers)
        mixed = _with_remembered(seen, len(dataset.lessons), remembered, (seed, 0, epoch))
        for batch in batches(mixed, stage.batch_size):
            targets = np.array([target for _, target in batch])
            yield np.stack([row for row, _ in batch]), one_hot(targets, len(dataset.labels))

    train_stage(head, Stage("head", stage.epochs, lessons, training, lambda: validation), watch, checkpoint)
    return head


def _lessons(
    runtime: OnnxSession,
    dataset: Dataset,
    stage: HeadStage,
    spec: model_pb2.Preprocessing,
    seed: tuple[int, ...],
    workers: int,
) -> Iterator[Lesson]:
    views = shuffled_views(dataset.lessons, class_indices(dataset.lessons, dataset.labels), seed)
    features = outputs_of_views(runtime, views, spec, stage.augmentation, workers)
    return zip(features, (view.target for view in views), strict=True)


def _with_remembered(seen: Iterator[Lesson], count: int, rows: Rows, seed: tuple[int, ...]) -> Iterator[Lesson]:
    """Deals `count` lessons and the remembered ones at random, so that each batch has its share of both."""
    random = np.random.default_rng((*seed, 1))
    remembered = ((rows.features[i], NO_CLASS) for i in random.permutation(len(rows)))
    for is_remembered in random.permutation(np.repeat([False, True], [count, len(rows)])):
        yield next(remembered if is_remembered else seen)


def _validation_batches(
    runtime: OnnxSession, dataset: Dataset, spec: model_pb2.Preprocessing, workers: int
) -> Iterator[Batch]:
    pictures = dataset.validation[:CURVE_SAMPLE]
    features = outputs(runtime, pictures, spec, workers)
    for batch in batches(zip(features, class_indices(pictures, dataset.labels), strict=True), 256):
        targets = np.array([target for _, target in batch])
        yield np.stack([row for row, _ in batch]), one_hot(targets, len(dataset.labels))
