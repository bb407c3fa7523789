"""A killed run resumes as if it had not been interrupted, which also shows that equal inputs give equal models.

Uses coloured shapes, a real MLflow and a real kill -9. Fine-tuning: tests/unit/trainer/training/test_checkpoint.py.
"""

import subprocess
import sys
from pathlib import Path

import mlflow.artifacts
import numpy as np
import pytest
from mlflow import MlflowClient
from numpy.typing import NDArray

from engine.version import SERVING_FILE
from registry.aliases import CHAMPION
from registry.models import Registry
from tests.support.repository import ROOT
from tests.support.trainer.released import RELEASED_WEIGHTS
from tests.support.trainer.shapes import write_parts
from tests.support.trainer.trainer_command import Command, environment_of
from tests.support.trainer.training import RecordedProgress, full_context, ignore_progress, load
from tests.support.waiting import wait_until
from trainer.config import TrainerSettings
from trainer.data.preprocessing import mobilenet_preprocessing
from trainer.graphs.features import logits_of
from trainer.runs.train import train
from trainer.training.recipe import recipe

EPOCHS = 10


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_parts(tmp_path_factory.mktemp("data") / "shapes", train=20, test=6)


def arguments(data: Path) -> list[str]:
    return ["--data", str(data), "--weights", RELEASED_WEIGHTS, "--epochs", str(EPOCHS)]


def logits(settings: TrainerSettings, name: str, data: Path, folder: Path) -> NDArray[np.float32]:
    """Returns the logits of the test pictures by the first version of a registered model."""
    uri = f"models:/{name}/1/{SERVING_FILE}"
    graph = Path(mlflow.artifacts.download_artifacts(uri, dst_path=str(folder / name)))
    return logits_of(graph, load(data).test, mobilenet_preprocessing(), 2, ignore_progress)


@pytest.fixture(scope="module")
def killed(data: Path, settings: TrainerSettings) -> str:
    """Kills a run after three epochs; returns its id in MLflow."""
    client = MlflowClient(settings.mlflow_url, settings.mlflow_url)
    experiment = client.create_experiment(settings.experiment_name)
    process = subprocess.Popen(
        [sys.executable, "-m", "trainer", "train", *arguments(data)],
        cwd=ROOT,
        env=environment_of(settings),
        stderr=subprocess.DEVNULL,
    )

    def epochs_done() -> int:
        runs = client.search_runs([experiment])
        return len(client.get_metric_history(runs[0].info.run_id, "loss")) if runs else 0

    try:
        wait_until(lambda: epochs_done() >= 3, 300, "three epochs")
    finally:
        still_running = process.poll() is None
        process.kill()
        process.wait()
    assert still_running
    (run,) = client.search_runs([experiment])
    return str(run.info.run_id)


def test_a_killed_run_registers_nothing_and_leaves_a_checkpoint(killed: str, settings: TrainerSettings) -> None:
    assert Registry(settings.mlflow_url, settings.model_name).versions() == []
    assert len(list((settings.home / "checkpoints").glob("*.npz"))) == 1


def test_it_resumes_in_the_same_run_and_ends_like_an_uninterrupted_one(
    killed: str,
    data: Path,
    settings: TrainerSettings,
    trainer: Command,
    tmp_path: Path,
) -> None:
    done = trainer("train", *arguments(data), "--resume")
    assert done.returncode == 0, done.stderr
    assert "There is no interrupted run" not in done.stderr
    assert Registry(settings.mlflow_url, settings.model_name).aliases() == {CHAMPION: "1"}
    client = MlflowClient(settings.mlflow_url, settings.mlflow_url)
    (run,) = client.search_runs([client.get_experiment_by_name(settings.experiment_name).experiment_id])
    assert (run.info.run_id, run.info.status) == (killed, "FINISHED")
    steps = [metric.step for metric in client.get_metric_history(killed, "loss")]
    assert sorted(set(steps)) == list(range(1, EPOCHS + 1))
    assert len(steps) <= EPOCHS + 1  # one epoch may have been logged but not saved
    assert list((settings.home / "checkpoints").iterdir()) == []

    uninterrupted = settings.model_copy(update={"model_name": "uninterrupted"})
    context = full_context(load(data), uninterrupted, recipe(EPOCHS, fine_tune=False))
    train(context, RELEASED_WEIGHTS, resume=True)
    assert isinstance(context.progress, RecordedProgress)
    assert context.progress.notes[0].startswith("There is no interrupted run with these pictures and settings")
    found, expected = (logits(settings, name, data, tmp_path) for name in (settings.model_name, "uninterrupted"))
    assert found == pytest.approx(expected, abs=1e-3)
