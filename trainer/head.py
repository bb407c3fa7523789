"""Trains the dense layers on the features of a frozen backbone. The features stream; those of an epoch are not kept."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
from verger.v1 import model_pb2

from services.inference.runtime import OnnxRuntime
from trainer.classifier import build_head, export_onnx
from trainer.dataset import Dataset, class_indices
from trainer.features import outputs, outputs_of_views
from trainer.learning import CURVE_SAMPLE, Batch, compile_classifier, one_hot, train_on, validate_on
from trainer.pictures import batches
from trainer.recipe import HeadStage
from trainer.views import shuffled_views
from trainer.watch import Watch


def train_head(
    backbone: keras.Model,
    dataset: Dataset,
    stage: HeadStage,
    spec: model_pb2.Preprocessing,
    seed: int,
    workers: int,
    watch: Watch,
) -> keras.Model:
    """Makes and trains a head for the data set's classes; the backbone stays as it is."""
    head = build_head(len(dataset.labels), stage.units, stage.dropout)
    steps = stage.epochs * -(-len(dataset.lessons) // stage.batch_size)
    rate = keras.optimizers.schedules.CosineDecay(stage.learning_rate, steps)
    compile_classifier(head, keras.optimizers.Adam(rate), stage.label_smoothing)
    runtime = _feature_runtime(backbone)
    watch.begin("head", stage.epochs, len(dataset.lessons))
    validation = list(_validation_batches(runtime, dataset, spec, workers))
    for epoch in range(stage.epochs):
        figures = train_on(head, _training_batches(runtime, dataset, stage, spec, (seed, 0, epoch), workers), watch)
        watch.epoch_done({**figures, **validate_on(head, validation)})
    return head


def _feature_runtime(backbone: keras.Model) -> OnnxRuntime:
    """The pooled backbone in ONNX Runtime: float32 [n, size, size, 3] in, float32 [n, 1280] out."""
    features = keras.layers.GlobalAveragePooling2D()(backbone.output)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "backbone.onnx"
        export_onnx(keras.Model(backbone.input, {"features": features}), path)
        return OnnxRuntime(path)


def _training_batches(
    runtime: OnnxRuntime,
    dataset: Dataset,
    stage: HeadStage,
    spec: model_pb2.Preprocessing,
    seed: tuple[int, int, int],
    workers: int,
) -> Iterator[Batch]:
    views = shuffled_views(dataset.lessons, class_indices(dataset.lessons, dataset.labels), seed)
    features = outputs_of_views(runtime, views, spec, stage.augmentation, workers)
    for batch in batches(zip(features, views, strict=True), stage.batch_size):
        targets = np.array([view.target for _, view in batch])
        yield np.stack([row for row, _ in batch]), one_hot(targets, len(dataset.labels))


def _validation_batches(
    runtime: OnnxRuntime, dataset: Dataset, spec: model_pb2.Preprocessing, workers: int
) -> Iterator[Batch]:
    pictures = dataset.validation[:CURVE_SAMPLE]
    features = outputs(runtime, pictures, spec, workers)
    for batch in batches(zip(features, class_indices(pictures, dataset.labels), strict=True), 256):
        targets = np.array([target for _, target in batch])
        yield np.stack([row for row, _ in batch]), one_hot(targets, len(dataset.labels))
