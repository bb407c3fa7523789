"""Runs that break off and go on."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.support.shapes import write_parts
from tests.unit.trainer.training.test_learning import Count
from trainer.data.dataset import Dataset, load_dataset
from trainer.data.preprocessing import mobilenet_preprocessing
from trainer.network.backbone import BACKBONE
from trainer.training.checkpoint import ABANDONED_SECONDS, Checkpoint, checkpoint_path
from trainer.training.finetune import fine_tune
from trainer.training.head import train_head
from trainer.training.recipe import FineTuneStage, HeadStage

HEAD_STAGE = HeadStage(epochs=3, units=16, batch_size=8)
# Two steps an epoch: those of the whole network are slow. The cut comes in the middle of the second stage.
STAGES = (
    FineTuneStage("upper", epochs=1, size=32, learning_rate=1e-3, first_layer="block_16_expand", batch_size=16),
    FineTuneStage("all", epochs=2, size=32, learning_rate=1e-3, batch_size=16),
)


class PowerCut(Exception):
    """Ends a run."""


class Cut(Count):
    """Ends the run at the end of an epoch, before it is kept."""

    def __init__(self, epoch: int) -> None:
        super().__init__()
        self.left = epoch

    def epoch_done(self, metrics: Mapping[str, float]) -> None:
        super().epoch_done(metrics)
        self.left -= 1
        if not self.left:
            raise PowerCut


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return load_dataset(write_parts(tmp_path_factory.mktemp("shapes"), 8, 2), [], [], 2, lambda done, total: None)


def learn_head(
    classifier: keras.Model, dataset: Dataset, watch: Count, checkpoint: Checkpoint, seed: int = 0
) -> list[np.ndarray]:
    keras.utils.set_random_seed(seed)
    spec, backbone = mobilenet_preprocessing(64), classifier.get_layer(BACKBONE)
    return train_head(backbone, dataset, HEAD_STAGE, spec, 0, 2, watch, checkpoint=checkpoint).get_weights()


def learn_all(
    classifier: keras.Model, dataset: Dataset, watch: Count, checkpoint: Checkpoint, seed: int = 0
) -> list[np.ndarray]:
    keras.utils.set_random_seed(seed)
    model = classifier
    for number, stage in enumerate(STAGES):
        model = fine_tune(model, dataset, stage, (0, number), 2, watch, checkpoint)
    return model.get_weights()


@pytest.mark.parametrize("learn", [learn_head, learn_all])
def test_what_goes_on_ends_as_if_it_had_not_broken_off(
    classifier: keras.Model, dataset: Dataset, tmp_path: Path, learn: Callable[..., list[np.ndarray]]
) -> None:
    whole = Count()
    expected = learn(classifier, dataset, whole, Checkpoint(tmp_path / "whole.npz"))
    broken = Checkpoint(tmp_path / "broken.npz")
    broken.run_id = "a run"
    with pytest.raises(PowerCut):
        learn(classifier, dataset, Cut(3), broken)

    resumed, watch = Checkpoint(tmp_path / "broken.npz"), Count()
    assert resumed.load()
    assert resumed.run_id == "a run"
    assert resumed.epochs == 2
    # Another state of Keras' own random numbers: all that matters comes from the file, or from the seed of the stage.
    found = learn(classifier, dataset, watch, resumed, seed=7)
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    assert watch.seen == whole.seen
    assert watch.stages == whole.stages
    for figures, same in zip(watch.epochs, whole.epochs, strict=True):
        assert figures == pytest.approx(same, abs=1e-4)


def test_a_file_that_is_missing_or_something_else_is_nothing_to_go_on_from(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    for content in (None, b"", b"PK cut off", b"something else"):
        if content is not None:
            path.write_bytes(content)
        assert not Checkpoint(path).load()
    np.savez(path, np.array("no note"))
    assert not Checkpoint(path).load()


def test_a_full_disk_is_told_and_ends_no_run(
    classifier: keras.Model, dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("where a folder should be")
    learn_head(classifier, dataset, Count(), Checkpoint(tmp_path / "file" / "run.npz"))
    assert "--resume could not go on from this epoch" in capsys.readouterr().err


def test_each_run_has_a_file_of_its_own(tmp_path: Path) -> None:
    path = checkpoint_path(tmp_path, data=["a"], seed=0)
    assert path == checkpoint_path(tmp_path, seed=0, data=["a"])
    assert path != checkpoint_path(tmp_path, data=["a"], seed=1)
    assert path.parent.parent == tmp_path


def test_a_finished_run_leaves_nothing_and_clears_out_what_was_left_long_ago(tmp_path: Path) -> None:
    names = ("mine.npz", "of yesterday.npz", "of last year.npz")
    mine, recent, old = (tmp_path / name for name in names)
    for path in (mine, recent, old):
        path.write_bytes(b"")
    long_ago = old.stat().st_mtime - ABANDONED_SECONDS - 60
    os.utime(old, (long_ago, long_ago))
    Checkpoint(mine).remove()
    assert list(tmp_path.iterdir()) == [recent]
    Checkpoint(mine).remove()  # it never got as far as keeping anything
