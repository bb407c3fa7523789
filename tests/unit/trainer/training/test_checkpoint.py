"""Runs that are interrupted and resumed."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import keras
import numpy as np
import pytest

from tests.support.trainer.shapes import write_parts
from tests.support.trainer.training import RecordedProgress, ignore_progress, load, small_context
from trainer.data.dataset import Dataset
from trainer.network.backbone import BACKBONE
from trainer.training.checkpoint import MAX_AGE_SECONDS, Checkpoint, checkpoint_path
from trainer.training.examples import collect_examples
from trainer.training.finetune import fine_tune
from trainer.training.head import train_head
from trainer.training.learning import TrainingLoop
from trainer.training.recipe import FineTuning, HeadStage, Phase, Recipe
from trainer.views.augmentation import STRONG
from trainer.views.store import PictureStore

HEAD_STAGE = HeadStage(epochs=3, units=16, batch_size=8)
# Epochs have two steps, because steps of the whole network are slow, and of equal size, because TensorFlow compiles
# each size anew. The second phase begins after the interruption.
PHASES = (Phase(2, 32, STRONG), Phase(1, 64, STRONG))
RECIPE = Recipe(HEAD_STAGE, FineTuning(PHASES, learning_rate=1e-3, batch_size=10))


class Interrupted(Exception):
    """Ends a run."""


class Interruption(RecordedProgress):
    """Ends the run at the end of an epoch, before its state is saved."""

    def __init__(self, epoch: int) -> None:
        super().__init__()
        self.left = epoch

    def epoch_done(self, metrics: Mapping[str, float]) -> None:
        super().epoch_done(metrics)
        self.left -= 1
        if not self.left:
            raise Interrupted


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return load(write_parts(tmp_path_factory.mktemp("shapes"), 8, 2))


def new_checkpoint(path: Path) -> Checkpoint:
    """Returns a checkpoint whose file can be written."""

    def fail(text: str) -> None:
        raise AssertionError(text)

    return Checkpoint(path, fail)


def learn_head(
    classifier: keras.Model, dataset: Dataset, progress: RecordedProgress, checkpoint: Checkpoint, seed: int = 0
) -> list[np.ndarray]:
    keras.utils.set_random_seed(seed)
    context, loop = small_context(dataset, RECIPE), TrainingLoop(progress, checkpoint)
    backbone = classifier.get_layer(BACKBONE)
    head, _ = train_head(context, loop, backbone, collect_examples(context, backbone))
    return head.get_weights()


def learn_all(
    classifier: keras.Model, dataset: Dataset, progress: RecordedProgress, checkpoint: Checkpoint, seed: int = 0
) -> list[np.ndarray]:
    keras.utils.set_random_seed(seed)
    context, loop = small_context(dataset, RECIPE), TrainingLoop(progress, checkpoint)
    examples = collect_examples(context, classifier.get_layer(BACKBONE))
    with TemporaryDirectory() as folder:
        store = PictureStore(examples.pictures, context.preprocessing, Path(folder), 2, ignore_progress)
    return fine_tune(context, loop, classifier, examples, store).get_weights()


@pytest.mark.parametrize("learn", [learn_head, learn_all])
def test_a_resumed_run_ends_like_an_uninterrupted_one(
    classifier: keras.Model, dataset: Dataset, tmp_path: Path, learn: Callable[..., list[np.ndarray]]
) -> None:
    whole = RecordedProgress()
    expected = learn(classifier, dataset, whole, new_checkpoint(tmp_path / "whole.npz"))
    broken = new_checkpoint(tmp_path / "broken.npz")
    broken.run_id = "a run"
    with pytest.raises(Interrupted):
        learn(classifier, dataset, Interruption(3), broken)

    resumed, progress = new_checkpoint(tmp_path / "broken.npz"), RecordedProgress()
    assert resumed.load()
    assert resumed.run_id == "a run"
    assert resumed.epochs == 2
    # Keras' global random state differs: everything random comes from the file or from the seed of the stage.
    found = learn(classifier, dataset, progress, resumed, seed=7)
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    assert progress.effort == whole.effort
    assert progress.stages == whole.stages
    for figures, same in zip(progress.metrics, whole.metrics, strict=True):
        assert figures == pytest.approx(same, abs=1e-4)


def test_a_missing_or_malformed_file_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    for content in (None, b"", b"PK cut off", b"something else"):
        if content is not None:
            path.write_bytes(content)
        assert not new_checkpoint(path).load()
    np.savez(path, np.array("no note"))
    assert not new_checkpoint(path).load()


def test_a_full_disk_gives_a_warning_and_does_not_end_the_run(
    classifier: keras.Model, dataset: Dataset, tmp_path: Path
) -> None:
    warnings: list[str] = []
    (tmp_path / "file").write_text("where a folder should be")
    learn_head(classifier, dataset, RecordedProgress(), Checkpoint(tmp_path / "file" / "run.npz", warnings.append))
    assert len(warnings) == HEAD_STAGE.epochs
    assert warnings[0].startswith("--resume could not go on from this epoch: ")


def test_each_run_has_its_own_file(tmp_path: Path) -> None:
    path = checkpoint_path(tmp_path, data=["a"], seed=0)
    assert path == checkpoint_path(tmp_path, seed=0, data=["a"])
    assert path != checkpoint_path(tmp_path, data=["a"], seed=1)
    assert path.parent.parent == tmp_path


def test_a_finished_run_removes_its_file_and_old_files_of_others(tmp_path: Path) -> None:
    names = ("mine.npz", "of yesterday.npz", "of last year.npz")
    mine, recent, old = (tmp_path / name for name in names)
    for path in (mine, recent, old):
        path.write_bytes(b"")
    long_ago = old.stat().st_mtime - MAX_AGE_SECONDS - 60
    os.utime(old, (long_ago, long_ago))
    new_checkpoint(mine).remove()
    assert list(tmp_path.iterdir()) == [recent]
    new_checkpoint(mine).remove()  # a run without a saved epoch has no file
