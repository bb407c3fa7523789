"""Fine-tunes the whole network in stages at low learning rates: first the upper blocks, then all layers."""

from collections.abc import Iterator

import keras
import numpy as np
from verger.v1 import model_pb2

from engine.model.tensors import scale_pixels
from trainer.data.augment import mix_up
from trainer.data.dataset import class_indices
from trainer.data.pictures import batches, map_in_threads, read_pixels
from trainer.data.preprocessing import with_size
from trainer.data.views import shuffled_views
from trainer.network.assembly import with_input_size
from trainer.network.backbone import BACKBONE
from trainer.training.context import RunContext
from trainer.training.learning import MAX_CURVE_PICTURES, Batch, Stage, TrainingLoop, compile_classifier, one_hot
from trainer.training.recipe import FineTuneStage


def fine_tune(context: RunContext, loop: TrainingLoop, model: keras.Model, number: int) -> keras.Model:
    """Trains for one stage; returns a new model with the input size of `model`.

    A stage may train at a smaller size, which is much faster. Random crops enlarge objects, so a network that is
    trained at 160 pixels sees them at 224 pixels as large as in training (Touvron et al., 2019, arXiv:1906.06423).

    Args:
        number: the stage's number in the recipe, from 1.
    """
    stage, dataset = context.recipe.fine_tune[number - 1], context.dataset
    tuned = with_input_size(model, stage.size)
    _set_trainable(tuned.get_layer(BACKBONE), stage.first_layer)
    examples = len(dataset.training_examples)
    optimizer = keras.optimizers.AdamW(
        _learning_rate(stage.learning_rate, stage.epochs * -(-examples // stage.batch_size)),
        weight_decay=stage.weight_decay,
        clipnorm=1.0,
        use_ema=True,  # averaged weights generalise better than the last ones
        ema_momentum=stage.average,
    )
    compile_classifier(tuned, optimizer, stage.label_smoothing)
    spec = with_size(context.preprocessing, stage.size)
    epochs = Stage(
        stage.name,
        stage.epochs,
        examples,
        training=lambda epoch: _training_batches(context, stage, spec, (context.seed, number, epoch)),
        validation=lambda: _validation_batches(context, spec),
    )
    loop.train(tuned, epochs)
    return with_input_size(tuned, model.input_shape[1])


def _learning_rate(peak: float, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """Rises during the first twentieth of the steps, then decays along a cosine to a hundredth of its peak."""
    return keras.optimizers.schedules.CosineDecay(
        peak / 20, steps, alpha=0.01, warmup_target=peak, warmup_steps=steps // 20
    )


def _set_trainable(backbone: keras.Model, first_layer: str) -> None:
    """Freezes layers before `first_layer` and all batch normalisation, whose statistics small batches would distort."""
    is_reached = not first_layer
    for layer in backbone.layers:
        is_reached = is_reached or layer.name == first_layer
        layer.trainable = is_reached and not isinstance(layer, keras.layers.BatchNormalization)


def _training_batches(
    context: RunContext, stage: FineTuneStage, spec: model_pb2.Preprocessing, seed: tuple[int, ...]
) -> Iterator[Batch]:
    random = np.random.default_rng((*seed, 0))
    examples, labels = context.dataset.training_examples, context.dataset.labels
    views = shuffled_views(examples, class_indices(examples, labels), seed)
    pixels = map_in_threads(lambda view: view.pixels(spec, stage.augmentation), views, context.workers, ahead=32)
    for batch in batches(zip(pixels, views, strict=True), stage.batch_size):
        inputs = scale_pixels(np.stack([picture for picture, _ in batch]), spec)
        targets = one_hot(np.array([view.target for _, view in batch]), len(labels))
        yield mix_up(inputs, targets, stage.mix_up, random) if stage.mix_up else (inputs, targets)


def _validation_batches(context: RunContext, spec: model_pb2.Preprocessing) -> Iterator[Batch]:
    pictures, labels = context.dataset.validation[:MAX_CURVE_PICTURES], context.dataset.labels
    pixels = map_in_threads(lambda picture: read_pixels(picture.path, spec), pictures, context.workers)
    for batch in batches(zip(pixels, class_indices(pictures, labels), strict=True), 32):
        inputs = scale_pixels(np.stack([picture for picture, _ in batch]), spec)
        yield inputs, one_hot(np.array([target for _, target in batch]), len(labels))
