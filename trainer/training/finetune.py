"""Trains the whole network in stages: the upper blocks, then all of it, at low rates."""

from collections.abc import Iterator

import keras
import numpy as np
from verger.v1 import model_pb2

from engine.model.tensors import scale_pixels
from trainer.data.augment import mix_up
from trainer.data.dataset import Dataset, class_indices
from trainer.data.pictures import batches, map_in_threads, read_pixels
from trainer.data.preprocessing import mobilenet_preprocessing
from trainer.data.views import shuffled_views
from trainer.network.assembly import with_input_size
from trainer.network.backbone import BACKBONE
from trainer.tracking.progress import Watch
from trainer.training.checkpoint import Checkpoint
from trainer.training.learning import CURVE_SAMPLE, Batch, Stage, compile_classifier, one_hot, train_stage
from trainer.training.recipe import FineTuneStage


def fine_tune(
    model: keras.Model,
    dataset: Dataset,
    stage: FineTuneStage,
    seed: tuple[int, int],
    workers: int,
    watch: Watch,
    checkpoint: Checkpoint | None = None,
) -> keras.Model:
    """Trains for one stage; returns a new model for pictures of the size that `model` takes.

    The stage may train at a smaller size: much faster, and since random crops show things larger than whole photos do,
    a network trained at 160 pixels sees them at 224 as large as it learned them (Touvron et al., arXiv:1906.06423).

    Args:
        seed: of this run and stage.
        checkpoint: where to go on from and what to keep up to date.
    """
    tuned = with_input_size(model, stage.size)
    _choose_what_learns(tuned.get_layer(BACKBONE), stage.first_layer)
    steps = stage.epochs * -(-len(dataset.lessons) // stage.batch_size)
    optimizer = keras.optimizers.AdamW(
        _rate(stage.learning_rate, steps),
        weight_decay=stage.weight_decay,
        clipnorm=1.0,
        use_ema=True,  # the mean of the last weights generalises better than the last weights do
        ema_momentum=stage.average,
    )
    compile_classifier(tuned, optimizer, stage.label_smoothing)
    spec = mobilenet_preprocessing(stage.size)
    lessons = Stage(
        stage.name,
        stage.epochs,
        len(dataset.lessons),
        training=lambda epoch: _training_batches(dataset, stage, spec, (*seed, epoch), workers),
        validation=lambda: _validation_batches(dataset, spec, workers),
    )
    train_stage(tuned, lessons, watch, checkpoint)
    return with_input_size(tuned, model.input_shape[1])


def _rate(highest: float, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """Rises over the first twentieth of the steps, then falls along a cosine to a hundredth."""
    return keras.optimizers.schedules.CosineDecay(
        highest / 20, steps, alpha=0.01, warmup_target=highest, warmup_steps=steps // 20
    )


def _choose_what_learns(backbone: keras.Model, first_layer: str) -> None:
    """Batch normalisation keeps the statistics and scales of the pretraining: small batches would only blur them."""
    learns = not first_layer
    for layer in backbone.layers:
        learns = learns or layer.name == first_layer
        layer.trainable = learns and not isinstance(layer, keras.layers.BatchNormalization)


def _training_batches(
    dataset: Dataset, stage: FineTuneStage, spec: model_pb2.Preprocessing, seed: tuple[int, ...], workers: int
) -> Iterator[Batch]:
    random = np.random.default_rng((*seed, 0))
    views = shuffled_views(dataset.lessons, class_indices(dataset.lessons, dataset.labels), seed)
    pixels = map_in_threads(lambda view: view.pixels(spec, stage.augmentation), views, workers, ahead=32)
    for batch in batches(zip(pixels, views, strict=True), stage.batch_size):
        inputs = scale_pixels(np.stack([picture for picture, _ in batch]), spec)
        targets = one_hot(np.array([view.target for _, view in batch]), len(dataset.labels))
        yield mix_up(inputs, targets, stage.mix_up, random) if stage.mix_up else (inputs, targets)


def _validation_batches(dataset: Dataset, spec: model_pb2.Preprocessing, workers: int) -> Iterator[Batch]:
    pictures = dataset.validation[:CURVE_SAMPLE]
    pixels = map_in_threads(lambda picture: read_pixels(picture.path, spec), pictures, workers)
    for batch in batches(zip(pixels, class_indices(pictures, dataset.labels), strict=True), 32):
        inputs = scale_pixels(np.stack([picture for picture, _ in batch]), spec)
        yield inputs, one_hot(np.array([target for _, target in batch]), len(dataset.labels))
