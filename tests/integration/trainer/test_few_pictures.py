"""Trains a version from 40 pictures of a class, as people try it first, and asks it about things it does not know."""

from pathlib import Path

import mlflow.artifacts
import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from PIL import Image, ImageDraw
from verger.v1 import classifier_pb2, model_pb2

from engine.model.loading import LoadedModel, load_model
from engine.model.tensors import scale_pixels
from engine.version import open_version
from registry.models import Registry
from tests.support.trainer.released import RELEASED_WEIGHTS
from tests.support.trainer.shapes import SIDE, write_shapes
from tests.support.trainer.trainer_command import trainer_command
from tests.support.trainer.training import RecordedProgress, full_context, load
from trainer.cli.console import RESULTS, show_outcome
from trainer.config import TrainerSettings
from trainer.data.pictures import read_pixels
from trainer.data.preprocessing import mobilenet_preprocessing
from trainer.evaluation import gate
from trainer.evaluation.calibration import MIN_UNSURE_BELOW, NEVER
from trainer.graphs.int8 import is_quantised
from trainer.release.card import render_figures
from trainer.runs.registration import Outcome
from trainer.runs.train import train


def pattern(seed: int, kind: str) -> Image.Image:
    """Draws lines (kind "lines") or rings ("rings") of random colours."""
    random = np.random.default_rng((seed, len(kind)))
    image = Image.new("RGB", (SIDE, SIDE), tuple(random.integers(0, 256, 3).tolist()))
    draw = ImageDraw.Draw(image)
    for _ in range(9):
        place, colour = random.integers(0, SIDE, 4).tolist(), tuple(random.integers(0, 256, 3).tolist())
        if kind == "lines":
            draw.line(place, fill=colour, width=3)
        else:
            left, top = place[:2]
            draw.ellipse((left - 12, top - 12, left + 12, top + 12), outline=colour, width=3)
    return image


def write_others(folder: Path, kind: str, count: int) -> Path:
    (folder / kind).mkdir(parents=True)
    for seed in range(count):
        pattern(seed, kind).save(folder / kind / f"{seed}.png")
    return folder


@pytest.fixture(scope="module")
def trained(settings: TrainerSettings, tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, RecordedProgress]:
    folder = tmp_path_factory.mktemp("few")
    data = write_shapes(folder / "toys", 40)
    context = full_context(load(data, negatives=[write_others(folder / "other", "lines", 60)]), settings)
    assert len(context.dataset.validation) < 30
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate, "MAX_LATENCY_RATIO_QUANTISED", 10)  # the speed of integers depends on the processor
        outcome = train(context, RELEASED_WEIGHTS)
    assert isinstance(context.progress, RecordedProgress)
    return outcome, context.progress


@pytest.fixture(scope="module")
def version(trained: tuple[Outcome, RecordedProgress], registry: Registry) -> ModelVersion:
    (found,) = registry.versions()
    return found


@pytest.fixture(scope="module")
def live(version: ModelVersion, registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """The version as inference loads it."""
    folder = tmp_path_factory.mktemp("live")
    registry.download(f"models:/{registry.name}/{version.version}/", folder)
    return load_model(model_pb2.ModelRef(name=registry.name, version=version.version), folder)


def verdicts(live: LoadedModel, paths: list[Path]) -> list["classifier_pb2.Verdict"]:
    spec = mobilenet_preprocessing()
    pixels = (scale_pixels(read_pixels(path, spec), spec) for path in paths)
    return [live.classify(picture, top_k=1, include_evidence=False).verdict for picture in pixels]


def test_it_is_calibrated(live: LoadedModel) -> None:
    calibration = live.contract.calibration
    assert calibration.temperature != 1
    assert calibration.unsure_below >= MIN_UNSURE_BELOW
    assert calibration.out_of_scope_below > NEVER


def test_it_names_its_classes_and_hardly_anything_else(live: LoadedModel, tmp_path: Path) -> None:
    """It has never seen rings."""
    known = sorted(write_shapes(tmp_path / "known", 10, first=5000).glob("*/*.png"))
    other = sorted(write_others(tmp_path / "other", "rings", 30).glob("*/*.png"))
    named = [found.count(classifier_pb2.VERDICT_RECOGNISED) for found in (verdicts(live, known), verdicts(live, other))]
    assert named[0] > 15
    assert named[1] < 10


def test_it_computes_in_8_bit_integers_and_says_so(
    trained: tuple[Outcome, RecordedProgress], version: ModelVersion, registry: Registry, tmp_path: Path
) -> None:
    registry.download(f"models:/{registry.name}/{version.version}/", tmp_path)
    directory = open_version(tmp_path)
    assert is_quantised(directory.file(model_pb2.ModelFile.ROLE_SERVING))
    outcome, _ = trained
    sentence = outcome.evaluation.arithmetic
    assert sentence.startswith("It computes in 8-bit integers")
    assert sentence in version.description
    assert sentence in mlflow.artifacts.load_text(f"runs:/{version.run_id}/MODEL_CARD.md")
    assert sentence in render_figures(directory, None)
    with RESULTS.capture() as printed:
        show_outcome(outcome, "trainer")
    assert sentence in printed.get().splitlines()


def test_it_says_that_it_may_be_wrong(
    trained: tuple[Outcome, RecordedProgress], version: ModelVersion, live: LoadedModel, settings: TrainerSettings
) -> None:
    (problem,) = trained[0].problems
    assert "no class should have fewer than 50" in problem
    assert live.contract.provenance.few_pictures
    assert version.tags["few_pictures"] == problem
    assert "answers may be wrong" in version.description
    *_, last = trainer_command(settings)("list").stdout.splitlines()
    assert last == f"    Few pictures: answers may be wrong. {problem}"


def test_the_run_and_its_end_say_what_it_was_and_where_to_look(
    trained: tuple[Outcome, RecordedProgress], version: ModelVersion, settings: TrainerSettings
) -> None:
    outcome, progress = trained
    client = MlflowClient(settings.mlflow_url)
    run = client.get_run(version.run_id)
    assert run.info.run_name.startswith("toys, 3 classes, ")
    assert "Made version 1 of" in run.data.tags["mlflow.note.content"]
    assert "MODEL_CARD.md" in {item.path for item in client.list_artifacts(run.info.run_id)}
    assert outcome.pages["Run"].endswith(f"/runs/{run.info.run_id}?workflowType=machine_learning")
    assert {"Preparing the backbone", "Asking the heads of the folds", "Exporting the version"} <= set(progress.waits)
    assert run.data.metrics["accuracy"] > 0.5
