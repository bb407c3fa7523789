"""The dense layers on a frozen backbone."""

import keras
import numpy as np
import pytest

from tests.support.trainer.shapes import LABELS, write_parts, write_shapes
from tests.support.trainer.training import RecordedProgress, load, small_context
from trainer.data.dataset import Dataset, Picture
from trainer.data.folds import FOLDS, LEARNED_BY_ALL
from trainer.evaluation.calibration import NOTHING_SEEN
from trainer.network.assembly import with_all_logits
from trainer.network.backbone import BACKBONE, FEATURES
from trainer.training.committee import Committee
from trainer.training.examples import collect_examples
from trainer.training.head import train_head
from trainer.training.learning import TrainingLoop, compile_classifier, train_on
from trainer.training.recipe import HeadStage, Recipe
from trainer.training.remembered_negatives import NegativeFeatures
from trainer.views.album import View

RECIPE = Recipe(HeadStage(epochs=2, units=16, batch_size=8))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return load(write_parts(tmp_path_factory.mktemp("shapes"), 12, 2))


def train(
    classifier: keras.Model, dataset: Dataset, seed: int, workers: int
) -> tuple[list[np.ndarray], RecordedProgress]:
    keras.utils.set_random_seed(seed)
    context, progress = small_context(dataset, RECIPE, seed, workers), RecordedProgress()
    backbone = classifier.get_layer(BACKBONE)
    head, _ = train_head(context, TrainingLoop(progress), backbone, collect_examples(context, backbone))
    return head.get_weights(), progress


def test_every_epoch_shows_every_picture_and_the_backbone_does_not_change(
    classifier: keras.Model, dataset: Dataset
) -> None:
    before = classifier.get_layer(BACKBONE).get_weights()
    weights, progress = train(classifier, dataset, seed=0, workers=2)
    assert progress.stages == [("head", 2, 2 * len(dataset.train))]
    assert progress.effort == 2 * len(dataset.train)
    assert [set(epoch) for epoch in progress.metrics] == [{"loss", "accuracy", "val_loss", "val_accuracy"}] * 2
    assert weights[-1].shape == (3,)
    after = classifier.get_layer(BACKBONE).get_weights()
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


def test_every_epoch_shows_the_remembered_negatives(classifier: keras.Model, dataset: Dataset) -> None:
    """Their features are far from those of all shapes, so that a head without them takes them for a shape."""
    keras.utils.set_random_seed(0)
    features = np.random.default_rng(3).uniform(0, 2, (40, FEATURES)).astype(np.float32)
    negatives = NegativeFeatures(features, np.array(["0" * 16] * 40), np.array(["home/noise"] * 40))
    context, progress, backbone = small_context(dataset, RECIPE), RecordedProgress(), classifier.get_layer(BACKBONE)
    examples = collect_examples(context, backbone, negatives)
    head, _ = train_head(context, TrainingLoop(progress), backbone, examples)
    assert progress.effort == 2 * (len(dataset.train) + 40 + 4)  # and a tenth as many synthetic ones
    assert head.output_shape == (None, 3)
    assert (negatives.logits(head).logits < -1).all()  # relative to the auxiliary classes


def test_a_seed_gives_the_same_head_with_any_number_of_threads(classifier: keras.Model, dataset: Dataset) -> None:
    one, _ = train(classifier, dataset, seed=1, workers=1)
    same, _ = train(classifier, dataset, seed=1, workers=3)
    other, _ = train(classifier, dataset, seed=2, workers=3)
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(one, same, strict=True))
    assert not np.allclose(one[0], other[0], atol=1e-5)


def test_each_head_of_a_committee_learns_everything_but_its_fold(classifier: keras.Model, dataset: Dataset) -> None:
    examples = collect_examples(small_context(dataset, RECIPE), classifier.get_layer(BACKBONE))
    committee = Committee(examples, RECIPE.head, FOLDS)
    views = examples.album(lambda _: pytest.fail("nothing is opened")).views((0,))
    folds = np.array([committee.fold_of(view) for view in views])
    assert set(folds.tolist()) == set(range(FOLDS))
    rows = committee.rows(examples.rows(np.array([view.target for view in views]), smoothing=0.1), folds)
    learned = rows.sum(axis=-1) > 0
    assert rows.shape == (len(views), 1 + FOLDS, 3)
    assert learned[:, 0].all()
    assert (learned[:, 1:] == (folds[:, None] != np.arange(FOLDS))).all()
    alone = Committee(examples, RECIPE.head, 0)
    assert {alone.fold_of(view) for view in views} == {LEARNED_BY_ALL}
    assert alone.unseen(lambda _: pytest.fail("nothing is asked")) is NOTHING_SEEN


def test_heads_learn_side_by_side_as_they_would_alone(classifier: keras.Model, dataset: Dataset) -> None:
    """A step of a committee changes each head as a step of that head alone, and the figures are the first head's."""
    examples = collect_examples(small_context(dataset, RECIPE), classifier.get_layer(BACKBONE))
    committee = Committee(examples, HeadStage(units=8, dropout=0), FOLDS)
    learner = committee.learner()
    random = np.random.default_rng(0)
    features, targets = random.random((12, FEATURES), np.float32), np.arange(12) % 3
    rows, folds = examples.rows(targets, smoothing=0), np.arange(12) % FOLDS
    kept = folds != 1
    twins = [keras.models.clone_model(with_all_logits(head)) for head in (committee.head, committee.fold_heads[1])]
    for twin, head in zip(twins, (committee.head, committee.fold_heads[1]), strict=True):
        twin.set_weights(head.get_weights())
        compile_classifier(twin, 3, keras.optimizers.SGD(0.1))
    compile_classifier(learner, 3, keras.optimizers.SGD(0.1))
    figures = train_on(learner, [(features, committee.rows(rows, folds))])
    assert figures == pytest.approx(train_on(twins[0], [(features, rows)]), rel=1e-4)
    # The mean of a step is over the whole batch, so that a head that learns less of it takes a smaller step.
    twins[1].optimizer.learning_rate = 0.1 * kept.mean()
    train_on(twins[1], [(features[kept], rows[kept])])
    for twin, head in zip(twins, (committee.head, committee.fold_heads[1]), strict=True):
        for one, other in zip(twin.get_weights(), head.get_weights(), strict=True):
            assert np.allclose(one, other, atol=1e-5)


def test_cross_validation_asks_about_every_photo_once(
    classifier: keras.Model, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Negatives outnumber the pictures, which are therefore shown several times."""
    folder = tmp_path_factory.mktemp("asked")
    dataset = load(
        write_parts(folder / "data", 10, 2, LABELS[:2]), negatives=[write_shapes(folder / "none", 60, LABELS[2:])]
    )
    context, backbone = small_context(dataset, RECIPE), classifier.get_layer(BACKBONE)
    features = np.random.default_rng(3).uniform(0, 2, (9, FEATURES)).astype(np.float32)
    remembered = NegativeFeatures(
        features, np.array([f"{number:016}" for number in range(9)]), np.array(["home/dog"] * 9)
    )
    examples = collect_examples(context, backbone, remembered)
    assert len(examples.pictures) > len(dataset.training_examples)
    committee = Committee(examples, RECIPE.head, FOLDS)
    asked: list[Picture] = []

    def features_of(pictures: list[Picture]) -> list[np.ndarray]:
        asked.extend(pictures)
        return [np.full(FEATURES, number, np.float32) for number, _ in enumerate(pictures)]

    unseen = committee.unseen(features_of)
    assert sorted(picture.digest for picture in asked) == sorted(
        picture.digest for picture in dataset.training_examples
    )
    assert unseen.logits.shape == (len(dataset.train), 2)
    assert unseen.targets.tolist() == [LABELS.index(picture.label) for picture in asked[: len(dataset.train)]]
    assert unseen.negatives.shape == (len(dataset.negatives) + 9, 2)
    fold = committee.fold_of(View(examples.pictures.index(asked[3]), 0, ()))
    expected = committee.fold_heads[fold](np.full((1, FEATURES), 3, np.float32), training=False)
    assert np.allclose(unseen.logits[3], expected[0], atol=1e-5)


def test_a_cross_validated_head_is_trained_and_its_folds_are_asked(classifier: keras.Model, dataset: Dataset) -> None:
    keras.utils.set_random_seed(0)
    context, progress, backbone = small_context(dataset, RECIPE), RecordedProgress(), classifier.get_layer(BACKBONE)
    examples = collect_examples(context, backbone)
    head, unseen = train_head(context, TrainingLoop(progress), backbone, examples, cross_validated=True)
    assert [set(epoch) for epoch in progress.metrics] == [{"loss", "accuracy", "val_loss", "val_accuracy"}] * 2
    assert head.output_shape == (None, 3)
    assert unseen.logits.shape == (len(dataset.train), 3)
    assert np.isfinite(unseen.logits).all()
    assert unseen.negatives.shape == (0, 3)
