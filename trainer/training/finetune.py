"""Fine-tunes the whole network: all layers at a low rate, with strongly varied views and averaged weights."""

from collections.abc import Iterator

import keras
import numpy as np

from engine.model.tensors import scale_pixels
from trainer.data.dataset import class_indices
from trainer.data.pictures import batches, map_in_threads, read_pixels
from trainer.data.preprocessing import with_size
from trainer.graphs.names import INPUT
from trainer.network.assembly import HEAD, with_all_logits, with_input_size
from trainer.network.backbone import BACKBONE
from trainer.network.folding import fold, unfold
from trainer.training.context import RunContext
from trainer.training.examples import Examples
from trainer.training.learning import Batch, Stage, TrainingLoop, compile_classifier, one_hot, validate_on
from trainer.training.recipe import FINE_TUNE, FineTuning
from trainer.views.album import Album
from trainer.views.mixing import sometimes_mixed
from trainer.views.store import PictureStore

MAX_CURVE_PICTURES = 400
"""Validation pictures that the curves are computed on after each epoch."""
AVERAGED_SHARE = 0.1
"""Share of all steps that the average of the weights reaches back at most."""


def fine_tune(
    context: RunContext, loop: TrainingLoop, model: keras.Model, examples: Examples, store: PictureStore
) -> keras.Model:
    """Trains a copy of a model by the recipe of the run; returns the copy.

    Args:
        model: backbone and a head that has been trained on the same examples.
        store: the pictures of the examples.
    """
    loop.wait("Preparing all layers")
    recipe, album = context.recipe.fine_tune or FINE_TUNE, examples.album(store.open)
    tuned = with_input_size(model, model.input_shape[1])
    backbone, head = tuned.get_layer(BACKBONE), tuned.get_layer(HEAD)
    folded = fold(backbone)
    pixels = keras.Input((None, None, 3), name=INPUT)
    features = keras.layers.GlobalAveragePooling2D()(folded(pixels))
    learner, judged = keras.Model(pixels, with_all_logits(head)(features)), keras.Model(pixels, head(features))
    classes = len(examples.labels)
    compile_classifier(learner, classes, _optimizer(recipe, recipe.epochs * -(-len(album) // recipe.batch_size)))
    compile_classifier(judged, classes)
    validation = _Validation(context)
    stage = Stage(
        "all layers",
        recipe.epochs,
        training=lambda epoch: _training_batches(context, examples, album, recipe, epoch),
        examples=len(album),
        validation=lambda: validate_on(judged, validation.batches()),
        efforts=[recipe.phase(epoch).size ** 2 for epoch in range(recipe.epochs)],
    )
    loop.train(learner, stage)
    unfold(folded, backbone)
    return tuned


def _optimizer(recipe: FineTuning, steps: int) -> keras.optimizers.Optimizer:
    """Returns AdamW, whose rate rises during the first twentieth of the steps and then decays along a cosine."""
    warm = steps // 20
    rate = keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate / 20, steps - warm, alpha=0.01, warmup_target=recipe.learning_rate, warmup_steps=warm
    )
    optimizer = keras.optimizers.AdamW(
        rate,
        weight_decay=recipe.weight_decay,
        clipnorm=1.0,
        use_ema=True,  # averaged weights generalise better than the last ones
        ema_momentum=max(0.0, min(recipe.average, 1 - 1 / (AVERAGED_SHARE * steps))),
    )
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


def _training_batches(
    context: RunContext, examples: Examples, album: Album, recipe: FineTuning, epoch: int
) -> Iterator[Batch]:
    seed, phase = (context.seed, 1, epoch), recipe.phase(epoch)
    spec, random = with_size(context.preprocessing, phase.size), np.random.default_rng((*seed, 0))
    views = album.views(seed)
    made = map_in_threads(lambda view: album.pixels(view, spec, phase.augmentation), views, context.workers, ahead=32)
    for batch in batches(zip(made, views, strict=True), recipe.batch_size):
        inputs = scale_pixels(np.stack([pixels for pixels, _ in batch]), spec)
        targets = examples.rows(np.array([view.target for _, view in batch]), recipe.label_smoothing)
        yield sometimes_mixed(inputs, targets, recipe.mix_chance, random)


class _Validation:
    """Validation pictures at the size of serving."""

    def __init__(self, context: RunContext) -> None:
        pictures, labels, spec = context.dataset.validation, context.dataset.labels, context.preprocessing
        self._pictures, self._spec = pictures[:MAX_CURVE_PICTURES], spec
        self._targets = one_hot(class_indices(self._pictures, labels), len(labels))
        self._pixels = list(map_in_threads(lambda one: read_pixels(one.path, spec), self._pictures, context.workers))

    def batches(self) -> Iterator[Batch]:
        """Yields all pictures, in the same order each time."""
        for start in range(0, len(self._pixels), 32):
            pixels = np.stack(self._pixels[start : start + 32])
            yield scale_pixels(pixels, self._spec), self._targets[start : start + 32]
