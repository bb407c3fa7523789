"""Trains versions from folders of pictures in a real MLflow, and checks which of them become champion.

Uses few pictures of coloured shapes, and few epochs on the released backbone.
"""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import mlflow.artifacts
import mlflow.pyfunc
import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from verger.v1 import model_pb2

from engine.contract import read_contract
from engine.model.loading import load_model
from registry.acts import DONE, Kind
from registry.aliases import CHALLENGER, CHAMPION, PREVIOUS
from registry.models import Registry
from tests.support.repository import ROOT
from tests.support.trainer.released import RELEASED_WEIGHTS
from tests.support.trainer.shapes import LABELS, write_parts, write_shapes
from tests.support.trainer.trainer_command import Command, environment_of
from tests.support.trainer.training import full_context, load
from tests.support.waiting import wait_until
from trainer.config import TrainerSettings
from trainer.release.stages import stages_of
from trainer.runs.train import train
from trainer.training.recipe import FineTuning, HeadStage, Phase, Recipe
from trainer.views.augmentation import STRONG


@pytest.fixture(scope="module")
def first(trainer: Command, shapes: Path) -> subprocess.CompletedProcess[str]:
    """The first version, trained from the command line with the default recipe."""
    (shapes / "train" / "red_circle" / "broken.jpg").write_bytes(b"not a picture")
    shutil.copy(shapes / "train" / "blue_bar" / "5.png", shapes / "test" / "blue_bar" / "seen.png")
    return trainer("train", "--data", shapes, "--weights", RELEASED_WEIGHTS)


def run_of(settings: TrainerSettings, version: str) -> Run:
    client = MlflowClient(settings.mlflow_url, settings.mlflow_url)
    return client.get_run(client.get_model_version(settings.model_name, version).run_id)


def test_the_first_version_is_champion(first: subprocess.CompletedProcess[str], registry: Registry) -> None:
    assert first.returncode == 0, first.stderr
    assert "Version 1 is champion" in first.stdout
    assert "red_circle" in first.stdout
    waits = ("Loading TensorFlow", "Preparing the backbone", "Exporting the version", "Quantising to 8-bit integers")
    assert all(f"{wait} ..." in first.stderr for wait in (*waits, "Testing in 8-bit integers and in float"))
    assert f"Run: {registry.url}/#/experiments/" in first.stdout
    assert f"Version: {registry.url}/#/models/{registry.name}/versions/1?" in first.stdout
    assert "broken.jpg: This is not a picture" in first.stderr
    assert registry.aliases() == {CHAMPION: "1"}
    (version,) = registry.versions()
    assert version.tags["gate"] == "passed"
    assert float(version.tags["accuracy"]) > 0.9


def test_inference_can_load_it(first: subprocess.CompletedProcess[str], registry: Registry, tmp_path: Path) -> None:
    registry.download(f"models:/{registry.name}/1/", tmp_path)
    contract = read_contract(tmp_path / "contract.json")
    assert tuple(info.label for info in contract.classes) == LABELS
    assert contract.provenance.test_metrics["images"] == 30
    assert contract.calibration.temperature != 1
    ref = model_pb2.ModelRef(name=registry.name, version="1")
    assert load_model(ref, tmp_path).digest == registry.versions()[0].tags["digest"]


def test_its_run_in_mlflow_is_complete(first: subprocess.CompletedProcess[str], settings: TrainerSettings) -> None:
    client, run = MlflowClient(settings.mlflow_url), run_of(settings, "1")
    assert run.info.status == "FINISHED"
    assert run.data.params["weights"] == "model.keras"
    assert run.data.params["head.epochs"] == "5"
    assert {"data_digest", "preprocessing_digest", "seed", "head.augmentation.min_area"} <= set(run.data.params)
    assert {"loss", "accuracy", "val_loss", "val_accuracy", "test_accuracy", "test_macro_f1"} <= set(run.data.metrics)
    artifacts = {item.path for item in client.list_artifacts(run.info.run_id)}
    assert {"MODEL_CARD.md", "dataset.json", "environment.txt", "report"} <= artifacts
    report = {item.path.removeprefix("report/") for item in client.list_artifacts(run.info.run_id, "report")}
    mistakes = {"worst_mistakes.png"} if run.data.metrics["test_accuracy"] < 1 else set()
    assert report == {"classes.csv", "confusion_matrix.png", "curves.png", "reliability.png"} | mistakes
    assert run.inputs.dataset_inputs[0].dataset.name == "shapes"
    data = mlflow.artifacts.load_dict(f"{run.info.artifact_uri}/dataset.json")
    assert data["overlap"] == [{"test": "blue_bar/seen.png", "train": "blue_bar/5.png"}]
    assert data["pictures"]["test"] == 30
    assert len(run.outputs.model_outputs) == 1


def test_the_figures_of_its_stage_can_be_read_back(first: subprocess.CompletedProcess[str], registry: Registry) -> None:
    record = registry.record_of("1")
    assert record
    (stage,) = stages_of(record, 224)
    assert stage.epochs == 5
    assert stage.photos == 5 * record.photos > 5 * 180
    assert 0 < stage.minutes < 10
    assert stage.val_accuracy > 0.9


def test_mlflow_itself_can_load_it(first: subprocess.CompletedProcess[str], registry: Registry) -> None:
    model = mlflow.pyfunc.load_model(f"models:/{registry.name}@champion")
    assert model.predict(np.zeros((2, 224, 224, 3), np.float32))["logits"].shape == (2, 3)


def test_a_worse_version_is_challenger_until_it_is_promoted_by_hand(
    first: subprocess.CompletedProcess[str],
    shapes: Path,
    tmp_path: Path,
    settings: TrainerSettings,
    registry: Registry,
    trainer: Command,
) -> None:
    """It is trained on pictures in the wrong folders and tested on those of the champion."""
    wrong = dict(zip(LABELS, (*LABELS[1:], LABELS[0]), strict=True))
    write_shapes(tmp_path / "train", 20, named=wrong)
    (tmp_path / "test").symlink_to(shapes / "test")
    outcome = train(full_context(load(tmp_path), settings, Recipe(HeadStage(epochs=1))), "champion")
    assert outcome.version == "2"
    assert outcome.evaluation.accuracy < 0.5
    assert not outcome.decision.passed
    assert "of version 1 on the same 30 test pictures" in outcome.decision.reason
    assert registry.aliases() == {CHAMPION: "1", CHALLENGER: "2"}
    assert registry.versions()[0].tags["gate_reason"] == outcome.decision.reason

    listed = trainer("list").stdout.splitlines()
    assert listed[0].startswith("version 2  challenger  20")
    assert listed[1].startswith("    accuracy 0.")
    assert "images 30, expected calibration error 0." in listed[1]
    assert listed[2] == f"    {outcome.decision.reason}"
    assert listed[3].startswith("    Few pictures: answers may be wrong.")
    assert listed[4].startswith("version 1  champion  20")
    assert listed[6:] == ["    There was no champion."]

    promoted = trainer("promote", "2")
    assert (promoted.returncode, promoted.stdout) == (0, "Version 2 is champion; before it was version 1.\n")
    assert registry.aliases() == {CHAMPION: "2", PREVIOUS: "1"}
    back = trainer("rollback")
    assert back.returncode == 0, back.stderr
    assert back.stdout == "Version 1 is champion again. A second rollback brings version 2 back.\n"
    assert registry.aliases() == {CHAMPION: "1", PREVIOUS: "2"}
    *trained, promotion, rollback = registry.aliases_and_acts()[1]
    assert {(act.kind, act.result) for act in trained} == {(Kind.TRAIN, DONE)}
    assert (promotion.kind, promotion.subject, promotion.result) == (Kind.PROMOTE, "version 2", DONE)
    assert (rollback.kind, rollback.subject) == (Kind.ROLLBACK, "version 1")
    assert rollback.moves == {CHAMPION: "1", PREVIOUS: "2"}


def test_a_version_of_other_classes_does_not_become_champion(
    first: subprocess.CompletedProcess[str], tmp_path: Path, settings: TrainerSettings, registry: Registry
) -> None:
    """The run also fine-tunes all layers."""
    data = write_parts(tmp_path, 12, 4, ("red_circle", "blue_bar"))
    tuning = FineTuning((Phase(1, 64, STRONG), Phase(1, 96, STRONG)), learning_rate=1e-5)
    outcome = train(full_context(load(data), settings, Recipe(HeadStage(epochs=1, units=0), tuning)))
    assert not outcome.decision.passed
    assert outcome.decision.reason == "Can't be compared with the champion, version 1. It knows other classes."
    assert registry.aliases()[CHAMPION] == "1"
    run = run_of(settings, outcome.version)
    assert run.data.params["fine_tune.phases.2.size"] == "96"
    assert len(MlflowClient(settings.mlflow_url).get_metric_history(run.info.run_id, "loss")) == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_is_marked_as_killed_and_registers_nothing(
    tmp_path: Path, settings: TrainerSettings, number: signal.Signals
) -> None:
    data = write_parts(tmp_path, 12, 4)
    settings = settings.model_copy(update={"model_name": "stopped", "experiment_name": f"stopped-{number.name}"})
    client = MlflowClient(settings.mlflow_url, settings.mlflow_url)
    experiment = client.create_experiment(settings.experiment_name)
    process = subprocess.Popen(
        [sys.executable, "-m", "trainer", "train", "--data", data, "--weights", RELEASED_WEIGHTS, "--epochs", "500"],
        cwd=ROOT,
        env=environment_of(settings),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until(lambda: any("loss" in run.data.metrics for run in client.search_runs([experiment])), 120, "an epoch")
        process.send_signal(number)
        _, messages = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Stopped. Nothing was registered" in messages
    assert "Traceback" not in messages
    assert [run.info.status for run in client.search_runs([experiment])] == ["KILLED"]
    assert Registry(settings.mlflow_url, "stopped").versions() == []
