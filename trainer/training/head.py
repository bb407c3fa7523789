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
from trainer.data.folds import FOLDS
from trainer.data.pictures import batches, open_picture
from trainer.evaluation.calibration import Unseen
from trainer.graphs.features import outputs, outputs_of_views
from trainer.graphs.int8_features import runtime_for_views
from trainer.network.assembly import feature_graph
from trainer.training.committee import Committee
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

Example = tuple[NDArray[np.float32], int, int]
"""Features of shape [1280], a class number, and a fold (trainer.data.folds)."""


def train_head(
    context: RunContext, loop: TrainingLoop, backbone: keras.Model, examples: Examples, cross_validated: bool = False
) -> tuple[keras.Model, Unseen]:
    """Builds and trains a head for the classes of the examples; the backbone does not change.

    Args:
        cross_validated: train a further head for each fold of the examples, and ask it about that fold.

    Returns:
        The head, and the answers of the other heads about the pictures that they did not learn, which all are training
        examples; nothing if it is not cross-validated.
    """
    loop.wait("Preparing the backbone")
    stage, spec = context.recipe.head, context.preprocessing
    committee = Committee(examples, stage, FOLDS if cross_validated else 0)
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
        numbers = ((view.target, committee.fold_of(view)) for view in views)
        pictures = ((found, *number) for found, number in zip(features, numbers, strict=True))
        for batch in batches(_mixed(pictures, len(views), examples, committee, seed), stage.batch_size):
            targets, folds = (np.array([example[place] for example in batch]) for place in (1, 2))
            rows = committee.rows(examples.rows(targets, stage.label_smoothing), folds)
            yield np.stack([found for found, _, _ in batch]), rows

    learner, head, classes = committee.learner(), committee.head, len(examples.labels)
    compile_classifier(learner, classes, keras.optimizers.Adam(rate))
    compile_classifier(head, classes)
    loop.train(learner, Stage("head", stage.epochs, training, count, lambda: validate_on(head, validation)))
    loop.wait("Asking the heads of the folds" if cross_validated else "Finishing")
    return head, committee.unseen(lambda pictures: outputs(float_runtime, pictures, spec, context.workers))


def _mixed(
    pictures: Iterator[Example], count: int, examples: Examples, committee: Committee, seed: tuple[int, ...]
) -> Iterator[Example]:
    """Shuffles remembered negatives among `count` examples of pictures, so that each batch has a share of both."""
    random, remembered = np.random.default_rng((*seed, 1)), examples.remembered
    order = random.permutation(len(remembered))
    negatives = (
        (remembered.features[i], int(examples.remembered_targets[i]), int(committee.remembered_folds[i])) for i in order
    )
    for is_remembered in random.permutation(np.repeat([False, True], [count, len(remembered)])):
        yield next(negatives if is_remembered else pictures)


def _validation_batches(context: RunContext, runtime: OnnxSession) -> Iterable[Batch]:
    pictures, labels = context.dataset.validation[:MAX_CURVE_PICTURES], context.dataset.labels
    features = outputs(runtime, pictures, context.preprocessing, context.workers)
    for batch in batches(zip(features, class_indices(pictures, labels), strict=True), 256):
        yield np.stack([found for found, _ in batch]), one_hot(np.array([target for _, target in batch]), len(labels))
